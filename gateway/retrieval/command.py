"""Ingests a folder as the command line asks for it, and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

from gateway.retrieval.embedders import Models, embedder_for
from gateway.retrieval.folder import FolderError
from gateway.retrieval.ingest import IngestError, Summary, ingest
from gateway.retrieval.lance import opened
from gateway.retrieval.progress import Progress
from gateway.retrieval.store import StoreError
from gateway.retrieval.types import EmbedderError
from gateway.settings.schema import KnowledgeBase

#: What ends an ingest; its message is for whoever started it.
ENDINGS = (IngestError, FolderError, StoreError)
#: Failures that are named one by one.
NAMED = 50


async def run(
    folder: Path,
    settings: KnowledgeBase,
    models: Callable[[], AbstractAsyncContextManager[Models]],
    progress: Progress,
    *,
    allow_empty: bool = False,
) -> Summary:
    """Ingest the folder with the configured embeddings; where they can't be had, the texts without.

    Raises one of ENDINGS.
    """
    if not await asyncio.to_thread(folder.is_dir):  # before an index is made for nothing
        raise IngestError(f"there is no folder {folder}")
    store = await opened(settings)
    try:
        async with AsyncExitStack() as stack:
            embedder, trouble = None, ""
            try:
                usable = await stack.enter_async_context(models())
                embedder = await stack.enter_async_context(embedder_for(settings.embeddings, usable))
            except EmbedderError as error:
                trouble = str(error)
            summary = await ingest(folder, store, embedder, settings, progress, allow_empty=allow_empty)
            summary.problem = summary.problem or trouble
            return summary
    finally:
        await store.aclose()


def told(summary: Summary) -> str:
    """The summary in lines."""
    taken = summary.new + summary.changed
    lines = [
        f"{taken} taken ({summary.new} new, {summary.changed} changed), {summary.unchanged} unchanged, "
        f"{summary.dropped} dropped, {len(summary.failed)} failed, in {summary.seconds:.1f} s",
        f"{summary.chunks} chunks written, {summary.embedded} texts embedded",
        f"Embeddings: {summary.embeddings}",
    ]
    if summary.skipped:
        lines.append(f"{summary.skipped} files are of no kind that is read")
    if summary.problem:
        lines.append(f"Embeddings are not complete: {summary.problem}. Texts are found by their words meanwhile")
    for key, reason, kept in summary.failed[:NAMED]:
        lines.append(f"  {key}: {reason}{'; its earlier version stays' if kept else ''}")
    if len(summary.failed) > NAMED:
        lines.append(f"  ... and {len(summary.failed) - NAMED} more")
    return "\n".join(lines)

"""A folder of documents into an index: what is new or changed is taken, what is gone is dropped, the rest left alone.

One index holds one folder: documents are known by their path within it, and a run with another folder replaces them.
Texts can be searched as soon as they are read; embeddings follow. Whatever ends a run, the index holds each document
whole, as it was or as it is, and the next run goes on from there.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from gateway.retrieval import folder as folders
from gateway.retrieval.progress import Progress
from gateway.retrieval.reading import Limits, Outcome, read_all
from gateway.retrieval.store import Store, Unembedded
from gateway.retrieval.types import Chunk, Embedder, EmbedderError, Vector
from gateway.settings.schema import KnowledgeBase

#: A commit takes so many documents, or those that make so many chunks.
DOCUMENTS = 64
CHUNKS = 2_000
#: Texts that are embedded and stored at a time, and that are asked for at a time.
TEXTS = 64
ASKED = 2_048
#: Goes up when the same file makes other chunks than before: all documents are taken anew.
VERSION = 1
TEXT_ONLY = "none: found by their words only"


class IngestError(Exception):
    """A folder that can't be ingested; the message says why."""


class Failure(NamedTuple):
    """A file that could not be read, why, and whether its earlier version stays in the index."""

    key: str
    reason: str
    kept: bool


@dataclass(slots=True)
class Summary:
    """What an ingest did: numbers of documents, then of chunks and of texts. ``problem`` says why embeddings are not
    complete, and is "" where they are."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    dropped: int = 0
    skipped: int = 0
    failed: list[Failure] = field(default_factory=list)
    chunks: int = 0
    embedded: int = 0
    embeddings: str = TEXT_ONLY
    problem: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class _Plan:
    """The files to be read, with what stands in the index, by key."""

    files: list[folders.File]
    indexed: Mapping[str, str]
    gone: list[str]


async def ingest(
    folder: Path,
    store: Store,
    embedder: Embedder | None,
    settings: KnowledgeBase,
    progress: Progress,
    *,
    allow_empty: bool = False,
) -> Summary:
    """Bring the index in line with the folder. An embedder that fails leaves the texts indexed and the embeddings that
    are active as they are, and stands in the summary.

    Raises IngestError, and StoreError.
    """
    started, summary = time.monotonic(), Summary()
    sizes = settings.chunk_characters
    limits = Limits(settings.max_file_bytes, sizes.target, sizes.most)
    plan = await _planned(folder, store, limits, summary, allow_empty=allow_empty)
    await _take(plan, store, limits, summary, progress)
    await store.drop(plan.gone)
    summary.dropped = len(plan.gone)
    await store.searchable()  # embeddings take long, and a run that was killed may have left some
    if embedder is not None:
        summary.embeddings = f"{embedder.name}, {embedder.dimension} dimensions"
        await _embed(store, embedder, summary, progress)
    progress.begin("bringing indexes up to date", 1)
    await store.index()
    await store.ended(time.time())
    progress.advance()
    progress.end()
    summary.seconds = time.monotonic() - started
    return summary


async def _planned(folder: Path, store: Store, limits: Limits, summary: Summary, *, allow_empty: bool) -> _Plan:
    try:
        files = await asyncio.to_thread(lambda: list(folders.files(folder, limits.max_bytes)))
    except folders.FolderError as error:
        raise IngestError(str(error)) from error
    indexed = await store.documents()
    kinds = [file for file in files if not file.skipped]
    if not kinds and not allow_empty:
        raise IngestError(f"{folder} holds no document; --allow-empty empties the index")
    summary.skipped = len(files) - len(kinds)
    todo = [file for file in kinds if indexed.get(file.key) != _version(file.content_hash, limits)]
    summary.unchanged = len(kinds) - len(todo)
    gone = sorted(indexed.keys() - {file.key for file in kinds})
    return _Plan(todo, indexed, gone)


def _version(content_hash: str, limits: Limits) -> str:
    """What stands in the index for a file's bytes: the same bytes make other chunks where sizes change."""
    return hashlib.sha256(f"{content_hash} {limits.target} {limits.most} {VERSION}".encode()).hexdigest()[:32]


async def _take(plan: _Plan, store: Store, limits: Limits, summary: Summary, progress: Progress) -> None:
    """Read, split and store, a batch of documents a commit."""
    progress.begin("reading documents", len(plan.files))
    batch: dict[str, Sequence[Chunk]] = {}
    async with aclosing(read_all(plan.files, limits)) as outcomes:
        async for file, outcome in outcomes:
            _count(file.key, outcome, plan.indexed, summary)
            if not isinstance(outcome, str):
                batch[file.key] = [
                    replace(chunk, content_hash=_version(chunk.content_hash, limits)) for chunk in outcome
                ]
            if len(batch) >= DOCUMENTS or sum(map(len, batch.values())) >= CHUNKS:
                await store.replace(batch)
                batch = {}
            progress.advance()
    await store.replace(batch)


def _count(key: str, outcome: Outcome, indexed: Mapping[str, str], summary: Summary) -> None:
    if isinstance(outcome, str):
        summary.failed.append(Failure(key, outcome, key in indexed))
        return
    summary.chunks += len(outcome)
    if key in indexed:
        summary.changed += 1
    else:
        summary.new += 1


async def _embed(store: Store, embedder: Embedder, summary: Summary, progress: Progress) -> None:
    """Vectors for all texts that have none; made active once none is without."""
    name, dimension = embedder.name, embedder.dimension
    state = await store.state()
    same = state.active is not None and (state.active.model, state.active.dimension) == (name, dimension)
    progress.begin("embedding texts", state.chunks - (state.embedded if same else 0))
    try:
        while texts := await store.unembedded(name, dimension, ASKED):
            for some in _batches(texts):
                await store.embed(name, dimension, await _vectors(embedder, some))
                summary.embedded += len(some)
                progress.advance(len(some))
    except EmbedderError as error:
        summary.problem = str(error)
        return
    await store.activate(name, dimension)


def _batches(texts: Sequence[Unembedded]) -> Iterable[Sequence[Unembedded]]:
    """By length, so that few short texts wait for a long one of their batch."""
    ordered = sorted(texts, key=lambda text: len(text.indexed))
    for start in range(0, len(ordered), TEXTS):
        yield ordered[start : start + TEXTS]


async def _vectors(embedder: Embedder, texts: Sequence[Unembedded]) -> Mapping[Unembedded, Vector]:
    vectors = await embedder.embed([text.indexed for text in texts])
    if len(vectors) != len(texts) or any(len(vector) != embedder.dimension for vector in vectors):
        raise EmbedderError(f"{embedder.name} answered other vectors than {embedder.dimension} numbers a text")
    return dict(zip(texts, vectors, strict=True))

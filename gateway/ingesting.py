"""``python -m gateway ingest``: a folder into the index, embedded by a configured model where there is one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.retrieval.command import run
from gateway.retrieval.embedders import Models
from gateway.retrieval.ingest import Summary
from gateway.retrieval.progress import progress
from gateway.settings import Settings

#: Below a gateway on the same machine.
NICE = 10
#: Embeddings that need no configured model.
OWN = ("local", "none")


def ingest_folder(settings: Settings, folder: Path, *, allow_empty: bool) -> Summary:
    """At low priority; raises one of ``command.ENDINGS``, and ConfigError."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    knowledge = settings.gateway.knowledge
    return asyncio.run(run(folder, knowledge, lambda: _models(settings), progress(), allow_empty=allow_empty))


@asynccontextmanager
async def _models(settings: Settings) -> AsyncGenerator[Models, None]:
    """The configured models that can embed, behind an engine of their own."""
    if settings.gateway.knowledge.embeddings in OWN:
        yield {}
        return
    from gateway.build import engine  # noqa: PLC0415 - imports litellm, which takes seconds
    from gateway.embedding import embedding_models  # noqa: PLC0415
    from gateway.lanes.catalog import plan  # noqa: PLC0415

    configured = plan(settings)
    if configured.keyless:  # no engine: it would start the small local model, which embeds nothing
        yield {}
        return
    with TemporaryDirectory() as folder:  # a running gateway writes its log and its usage into the configured one
        logging = settings.gateway.logging.model_copy(update={"dir": folder})
        apart = replace(settings, gateway=settings.gateway.model_copy(update={"logging": logging}))
        async with engine(apart, _unsaid) as built:
            yield embedding_models(built.plan, lambda: built.pipeline)


def _unsaid(_level: str, _event: str, **_fields: object) -> None:
    """What matters of an engine that only embeds is in the summary."""

"""How the knowledge base is, for ``GET /rag/health``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from gateway.contract import Unavailable
from gateway.retrieval import lance
from gateway.retrieval.embedders import Models, chosen
from gateway.retrieval.knowledge import ServedKnowledge
from gateway.retrieval.store import StoreError
from gateway.retrieval.types import Active, EmbedderError, IndexState

NOTHING = IndexState(0, 0, 0, None, None)


async def report(knowledge: ServedKnowledge, now: float) -> dict[str, Any]:
    """``status`` is ``ok``, ``empty`` (nothing was ingested), or ``degraded``, and ``reasons`` say why. ``now`` is in
    seconds since 1970."""
    state, by_meaning, failure = await _seen(knowledge)
    configured, mistake = _configured(knowledge.settings.embeddings, knowledge.models)
    active = state.active
    wrong = [words for words in (failure, mistake) if words]
    if not failure and state.chunks:
        wrong += _shortcomings(state, by_meaning, configured, knowledge.trouble)
    status = "degraded" if failure else "empty" if not state.chunks else "degraded" if wrong else "ok"
    reasons = wrong if failure or state.chunks else ["nothing has been ingested yet: see 'make ingest'", *wrong]
    return {
        "status": status,
        "reasons": reasons,
        "documents": state.documents,
        "chunks": state.chunks,
        "embedded": state.embedded,
        "embedding_model": active.model if active else None,
        "embedding_dimension": active.dimension if active else None,
        "configured_embeddings": configured,
        "mode": "hybrid" if by_meaning else "text",
        "last_ingest": _iso(state.ingested),
        "last_ingest_seconds_ago": None if state.ingested is None else max(0, int(now - state.ingested)),
        "store": knowledge.settings.store.split("://")[0] if lance.is_remote(knowledge.settings.store) else "folder",
    }


async def _seen(knowledge: ServedKnowledge) -> tuple[IndexState, bool, str]:
    """What the index holds, whether it is searched by meaning too, and why it can't be read."""
    try:
        store = await knowledge.store()
        if store is None:
            return NOTHING, False, ""
        embedder = await knowledge.embedder()
        return await store.state(), embedder is not None, ""
    except (Unavailable, StoreError) as error:
        return NOTHING, False, knowledge.failure or str(error)


def _configured(choice: str, models: Models) -> tuple[str | None, str]:
    """The name of the embeddings that the next ingest makes, and what is wrong with the choice."""
    try:
        embedder = chosen(choice, models)
    except EmbedderError as error:
        return None, str(error)
    return (None if embedder is None else embedder.name), ""


def _shortcomings(state: IndexState, by_meaning: bool, configured: str | None, trouble: str) -> Iterator[str]:
    active: Active | None = state.active
    if active is None and configured is not None:
        yield f"searched by text only: its embeddings by {configured} are not complete yet"
    if active is not None and not by_meaning:
        yield f"searched by text only: its embeddings are {active.model}'s, which can't be asked here"
    if active is not None and active.model != configured:
        yield f"its embeddings are {active.model}'s, and {configured or 'none'} is configured: ingest again"
    if active is not None and state.embedded < state.chunks:
        yield f"{state.chunks - state.embedded} chunks have no embedding yet"
    if trouble:
        yield f"the last search went {trouble}"


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")

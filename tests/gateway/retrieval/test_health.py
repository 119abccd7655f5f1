from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.contract import Unavailable
from gateway.retrieval.health import report
from gateway.retrieval.knowledge import ServedKnowledge
from gateway.retrieval.types import Active, IndexState
from gateway.settings.schema import KnowledgeBase

ACTIVE = Active("vectors", 1536, "vectors_1536")
WHOLE = IndexState(3, 10, 10, ACTIVE, 1_700_000_000.0)


async def embeds(texts: Any, /) -> list[list[float]]:
    return [[1.0] for _ in texts]


class FakeServed:
    """A knowledge base in this state, searched by meaning where ``by_meaning``."""

    def __init__(self, state: IndexState | Exception | None, *, by_meaning: bool = True, embeddings: str = "vectors"):
        self.settings = KnowledgeBase(embeddings=embeddings)
        self.models = {"vectors": embeds, "others": embeds}
        self.failure = str(state) if isinstance(state, Exception) else ""
        self.trouble = ""
        self._state = state
        self._by_meaning = by_meaning

    async def store(self) -> FakeServed | None:
        if isinstance(self._state, Exception):
            raise self._state
        return None if self._state is None else self

    async def embedder(self) -> object | None:
        return object() if self._by_meaning else None

    async def state(self) -> IndexState:
        assert isinstance(self._state, IndexState)
        return self._state


async def told(made: FakeServed, now: float = 1_700_000_060.0) -> dict[str, Any]:
    return await report(cast(ServedKnowledge, made), now)


async def test_a_whole_index_is_ok() -> None:
    assert await told(FakeServed(WHOLE)) == {
        "status": "ok",
        "reasons": [],
        "documents": 3,
        "chunks": 10,
        "embedded": 10,
        "embedding_model": "vectors",
        "embedding_dimension": 1536,
        "configured_embeddings": "vectors",
        "mode": "hybrid",
        "last_ingest": "2023-11-14T22:13:20+00:00",
        "last_ingest_seconds_ago": 60,
        "store": "folder",
    }


@pytest.mark.parametrize(
    ("made", "status", "mode", "words"),
    [
        (FakeServed(None), "empty", "text", ["make ingest"]),
        (FakeServed(IndexState(0, 0, 0, None, None)), "empty", "hybrid", ["make ingest"]),
        (FakeServed(WHOLE, by_meaning=False), "degraded", "text", ["text only", "can't be asked here"]),
        (FakeServed(WHOLE._replace(active=None), by_meaning=False), "degraded", "text", ["not complete yet"]),
        (FakeServed(WHOLE._replace(active=None), by_meaning=False, embeddings="none"), "ok", "text", []),
        (FakeServed(WHOLE, embeddings="others"), "degraded", "hybrid", ["others is configured: ingest again"]),
        (FakeServed(WHOLE, embeddings="none"), "degraded", "hybrid", ["none is configured"]),
        (FakeServed(WHOLE, embeddings="vektors"), "degraded", "hybrid", ["no model 'vektors' that can embed"]),
        (FakeServed(WHOLE._replace(embedded=7)), "degraded", "hybrid", ["3 chunks have no embedding yet"]),
        (FakeServed(Unavailable("access is denied")), "degraded", "text", ["access is denied"]),
    ],
    ids=["none", "empty", "not_asked", "not_yet", "by_choice", "changed", "off", "mistake", "in_part", "down"],
)
async def test_what_is_wrong_is_said_in_words(made: FakeServed, status: str, mode: str, words: list[str]) -> None:
    found = await told(made)
    assert (found["status"], found["mode"]) == (status, mode)
    assert bool(found["reasons"]) is bool(words)
    for part in words:
        assert part in " ".join(found["reasons"])


async def test_what_the_last_search_went_without_is_said() -> None:
    made = FakeServed(WHOLE)
    made.trouble = "by text only: vectors could not embed"
    assert (await told(made))["reasons"] == ["the last search went by text only: vectors could not embed"]

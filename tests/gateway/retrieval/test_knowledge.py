from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from gateway.contract import Unavailable
from gateway.retrieval import knowledge as module
from gateway.retrieval.health import report
from gateway.retrieval.knowledge import FAILURES, ServedKnowledge
from gateway.retrieval.store import Store, StoreError
from gateway.retrieval.types import Active, Hit, IndexState, Vector
from gateway.settings.schema import KnowledgeBase
from tests.support.asgi import Lines
from tests.support.fakes import Clock
from tests.support.index import chunk

ACTIVE = Active("vectors", 2, "vectors_2")


class FakeStore:
    """An index of one chunk; ``fails`` is raised by whatever is asked of it."""

    def __init__(self, active: Active | None = None) -> None:
        self.active = active
        self.fails: Exception | None = None
        self.sleeps = 0.0
        self.vectors: list[Vector] = []
        self.closed = 0

    async def look(self) -> Active | None:
        if self.fails:
            raise self.fails
        return self.active

    async def state(self) -> IndexState:
        return IndexState(1, 1, 1 if self.active else 0, self.active, 1_700_000_000.0)

    async def by_text(self, query: str, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        await asyncio.sleep(self.sleeps)
        if self.fails:
            raise self.fails
        return [Hit(chunk("d", 0, "a discount needs approval"), None, 5.0)]

    async def by_vector(self, vector: Vector, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        self.vectors.append(vector)
        return []

    async def similarities(self, vector: Vector, text_hashes: Collection[str]) -> dict[str, float]:
        return dict.fromkeys(text_hashes, 0.9)

    async def aclose(self) -> None:
        self.closed += 1


async def embeds(texts: Any, /) -> list[Vector]:
    return [[1.0, 0.0] for _ in texts]


class Opened:
    """Opens ``store``, None where there is none, and counts."""

    def __init__(self, store: FakeStore | None) -> None:
        self.store = store
        self.fails: Exception | None = None
        self.times = 0
        self.sleeps = 0.0

    async def __call__(self, settings: KnowledgeBase) -> Store | None:
        self.times += 1
        await asyncio.sleep(self.sleeps)
        if self.fails:
            raise self.fails
        return self.store  # type: ignore[return-value]


def served(
    store: FakeStore | None, *, where: str = "s3://bucket/docs", clock: Clock | None = None, **settings: Any
) -> tuple[ServedKnowledge, Opened]:
    opens = Opened(store)
    base = KnowledgeBase(store=where, threshold=0.0, **settings)
    return ServedKnowledge(base, {"vectors": embeds}, Lines(), open_store=opens, clock=clock or Clock()), opens


async def found(made: ServedKnowledge, query: str = "a discount") -> list[str]:
    return [passage.text for passage in await made.search(query, limit=3)]


def test_a_folder_that_comes_to_be_is_seen_after_a_while(tmp_path: Path) -> None:
    clock = Clock()
    made, opens = served(FakeStore(), where=str(tmp_path / "index"), clock=clock)
    assert not made.there
    (tmp_path / "index" / "meta.lance").mkdir(parents=True)
    clock.advance(4.9)
    assert not made.there
    clock.advance(0.2)
    assert made.there
    assert opens.times == 0


async def test_without_an_index_nothing_is_opened_and_nothing_found(tmp_path: Path) -> None:
    made, opens = served(FakeStore(), where=str(tmp_path))
    assert await found(made) == []
    assert opens.times == 0


async def test_an_object_storage_without_an_index_is_looked_at_once_in_a_while() -> None:
    clock = Clock()
    made, opens = served(None, clock=clock)
    for _ in range(3):
        assert await found(made) == []
    assert (opens.times, made.there) == (1, False)
    opens.store = FakeStore()
    clock.advance(6)
    assert await found(made) == ["a discount needs approval"]


async def test_it_is_opened_once_however_many_ask() -> None:
    made, opens = served(FakeStore())
    assert await asyncio.gather(*(found(made) for _ in range(5))) == [["a discount needs approval"]] * 5
    assert opens.times == 1


async def test_it_is_asked_by_meaning_with_the_embeddings_that_it_holds() -> None:
    store = FakeStore(ACTIVE)
    made, _ = served(store)
    await found(made)
    assert store.vectors == [[1.0, 0.0]]
    store.active = ACTIVE._replace(model="another")
    await found(made)
    assert (len(store.vectors), await made.embedder()) == (1, None)
    store.active = ACTIVE
    await found(made)
    assert len(store.vectors) == 2


async def test_the_threshold_is_the_configured_one_or_the_caller_s() -> None:
    made, _ = served(FakeStore())
    assert await made.search("a discount", limit=3, threshold=1.01) == []
    assert len(await made.search("a discount", limit=3)) == 1


async def test_an_index_that_can_t_be_read_is_said_so_and_opened_anew() -> None:
    store = FakeStore()
    made, opens = served(store)
    await found(made)
    store.fails = StoreError("the index can't be read: a part of it is missing")
    with pytest.raises(Unavailable) as caught:
        await found(made)
    assert (caught.value.code, caught.value.retry_after) == ("knowledge_unavailable", 5.0)
    assert "a part of it is missing" not in caught.value.message
    store.fails = None
    assert await found(made) == ["a discount needs approval"]
    assert (opens.times, made.failure) == (2, "")


async def test_a_search_that_takes_too_long_is_ended() -> None:
    store = FakeStore()
    made, _ = served(store, seconds=0.02)
    await found(made)
    store.sleeps = 60
    with pytest.raises(Unavailable):
        await found(made)
    assert "took over 0.02 s" in made.failure


async def test_after_some_failures_nobody_waits_for_a_while() -> None:
    clock, store = Clock(), FakeStore()
    made, opens = served(store, clock=clock)
    store.sleeps, made.settings = 60, made.settings.model_copy(update={"seconds": 0.01})
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            await found(made)
    store.sleeps = 0
    with pytest.raises(Unavailable):
        await found(made)
    clock.advance(5.1)
    assert await found(made) == ["a discount needs approval"]
    assert opens.times == 1


async def test_an_index_that_can_t_be_opened_is_tried_once_in_a_while() -> None:
    clock = Clock()
    made, opens = served(FakeStore(), clock=clock)
    opens.fails = StoreError("access is denied")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await found(made)
    assert opens.times == 1
    opens.fails = None
    clock.advance(5.1)
    assert await found(made) == ["a discount needs approval"]


async def test_a_storage_that_does_not_answer_is_left() -> None:
    made, opens = served(FakeStore(), seconds=0.01)
    opens.sleeps = 60
    with pytest.raises(Unavailable):
        await found(made)
    assert made.failure == "the index can't be opened in time"


async def test_opening_that_takes_long_goes_on_for_the_next_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.01)
    clock = Clock()
    made, opens = served(FakeStore(), clock=clock)
    opens.sleeps = 0.2
    with pytest.raises(Unavailable):
        await found(made)
    clock.advance(5.1)
    monkeypatch.setattr(module, "OPEN_SECONDS", 30)
    assert await found(made) == ["a discount needs approval"]
    assert opens.times == 1


async def test_it_is_let_go_of() -> None:
    store = FakeStore()
    made, _ = served(store)
    await made.aclose()
    await found(made)
    await made.aclose()
    assert store.closed == 1


async def test_what_went_wrong_is_logged_once() -> None:
    store, lines = FakeStore(), Lines()
    made, _ = served(store)
    made._log = lines
    await found(made)
    store.fails = StoreError("access is denied")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await found(made)
    assert [line["detail"] for line in lines.of("knowledge_failed")] == ["access is denied"]


async def test_its_health_tells_of_a_failure() -> None:
    made, opens = served(FakeStore())
    opens.fails = StoreError("access is denied")
    told = await report(made, 0)
    assert (told["status"], told["reasons"], told["store"]) == ("degraded", ["access is denied"], "s3")


def test_a_gateway_without_an_index_takes_nothing_heavy_in() -> None:
    heavy = ("lancedb", "pyarrow", "numpy", "onnxruntime", "tokenizers", "pypdf", "docx", "selectolax")
    script = f"import sys, gateway.retrieval.health, gateway.embedding; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("raised", [ImportError("no wheel"), TypeError("of a panic"), KeyError("secret")])
async def test_whatever_a_library_raises_the_assistant_goes_on_without(raised: Exception) -> None:
    store = FakeStore()
    made, opens = served(store)
    opens.fails = raised
    with pytest.raises(Unavailable):
        await found(made)
    assert type(raised).__name__ in made.failure
    assert "secret" not in made.failure
    opens.fails = None
    made, _ = served(store)
    assert await found(made)
    store.fails = raised
    with pytest.raises(Unavailable):
        await found(made)
    assert (await report(made, 0.0))["status"] == "degraded"


async def test_where_no_embeddings_are_wanted_no_question_is_embedded() -> None:
    store = FakeStore(ACTIVE)
    made, _ = served(store, embeddings="none")
    assert await found(made)
    assert store.vectors == []


async def test_after_embeddings_that_failed_nobody_waits_for_them_for_a_while() -> None:
    asked: list[Any] = []

    async def fails(texts: Any, /) -> list[Vector]:
        asked.append(texts)
        raise OSError("refused")

    clock, store = Clock(), FakeStore(ACTIVE)
    made = ServedKnowledge(
        KnowledgeBase(store="s3://bucket/docs", threshold=0.0),
        {"vectors": fails},
        Lines(),
        open_store=Opened(store),
        clock=clock,
    )
    for _ in range(3):
        assert await found(made)
    assert len(asked) == 1
    assert "by text only" in made.trouble
    clock.advance(made.settings.refresh_seconds + 0.1)
    assert await found(made)
    assert len(asked) == 2

"""Names of tables, and when what is active is looked at."""

from __future__ import annotations

from gateway.retrieval.lance import opened
from gateway.retrieval.lance_store import LanceStore
from gateway.retrieval.lance_tables import quoted, vectors_name
from gateway.settings.schema import KnowledgeBase
from tests.support.index import chunk


def test_values_are_quoted() -> None:
    assert quoted(["a", "it's", 'b"']) == "'a', 'it''s', 'b\"'"


def test_each_model_and_dimension_has_a_table_of_its_own() -> None:
    pairs = [("a/b", 3), ("a.b", 3), ("A/b", 3), ("a/b", 33), ("a/b_3", 3), ("x" * 200, 3), ("x" * 201, 3), ("日本", 3)]
    names = [vectors_name(model, dimension) for model, dimension in pairs]
    assert len(set(names)) == len(pairs)
    assert all(name.isascii() and len(name) < 100 and "/" not in name for name in names)


async def test_what_is_active_is_asked_for_at_most_once_in_the_time_that_is_set(place: KnowledgeBase) -> None:
    store = await opened(place)
    assert isinstance(store, LanceStore)
    await store.replace({"a": [chunk("a", 0, "text")]})
    await store.embed("m", 2, {text: [1.0, 0.0] for text in await store.unembedded("m", 2, 9)})
    seldom = await opened(place)
    assert isinstance(seldom, LanceStore)
    seldom._refresh_seconds = 3600.0
    assert await seldom.by_vector([1.0, 0.0], 1) == []
    await store.activate("m", 2)
    assert await seldom.by_vector([1.0, 0.0], 1) == []
    seldom._refresh_seconds = 0.0
    assert len(await seldom.by_vector([1.0, 0.0], 1)) == 1
    await seldom.aclose()
    await store.aclose()


async def test_a_large_ingest_is_searched_through_its_index_only(place: KnowledgeBase) -> None:
    """Rows that no index holds are left out only where they are many, and fewer than those that one holds."""
    store = await opened(place)
    assert isinstance(store, LanceStore)
    await store.replace({"a": [chunk("a", n, f"alpha {n}") for n in range(600)]})
    assert len(await store.by_text("alpha", 1000)) == 600
    assert not store._indexed_only
    await store.index()
    await store.replace({"b": [chunk("b", n, f"beta {n}") for n in range(550)]})
    assert await store.by_text("beta", 1000) == []
    await store.index()
    assert len(await store.by_text("beta", 1000)) == 550
    await store.aclose()

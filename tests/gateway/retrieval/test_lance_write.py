"""What writers leave in the index, one or several of them."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gateway.retrieval import lance_write
from gateway.retrieval.lance import opened
from gateway.retrieval.store import Store
from gateway.retrieval.types import Chunk
from gateway.settings.schema import KnowledgeBase
from tests.support.index import chunk


def document(key: str, version: str, size: int) -> list[Chunk]:
    return [chunk(key, n, f"everywhere {key} {version} {n}", content_hash=version) for n in range(size)]


async def texts(store: Store) -> Counter[str]:
    return Counter(hit.chunk.text for hit in await store.by_text("everywhere", 1000))


@pytest.mark.parametrize(("before", "after"), [(2, 5), (5, 2), (3, 3), (1, 1)])
async def test_a_document_is_replaced_whole_and_others_left_alone(store: Store, before: int, after: int) -> None:
    await store.replace({"a": document("a", "1", before), "b": document("b", "1", 2)})
    await store.replace({"a": document("a", "2", after)})
    assert await store.documents() == {"a": "2", "b": "1"}
    expected = [*document("a", "2", after), *document("b", "1", 2)]
    assert await texts(store) == Counter(item.text for item in expected)


@pytest.mark.parametrize("key", ["it's", 'a "b".md', "línea/ü.md", "a\\b%_", "'; DROP TABLE chunks; --"])
async def test_a_key_may_hold_anything(store: Store, key: str) -> None:
    await store.replace({key: document(key, "1", 3), "other": document("other", "1", 1)})
    await store.replace({key: document(key, "2", 1)})
    assert await store.documents() == {key: "2", "other": "1"}
    await store.drop([key])
    assert await store.documents() == {"other": "1"}


async def test_three_writers_of_one_document_leave_one_version_whole(place: KnowledgeBase) -> None:
    stores = await asyncio.gather(*(opened(place) for _ in range(3)))

    async def write(number: int) -> None:
        for turn in range(4):
            keys = ("a", "b", "c")
            await stores[number].replace({key: document(key, f"v{number}{turn}", number + 2) for key in keys})

    await asyncio.gather(*(write(number) for number in range(3)))
    versions = await stores[0].documents()
    assert set(versions) == {"a", "b", "c"}
    expected = [item for key, v in versions.items() for item in document(key, v, int(v[1]) + 2)]
    assert await texts(stores[0]) == Counter(item.text for item in expected)
    for store in stores:
        await store.aclose()


async def test_a_writer_that_compacts_does_not_stop_the_others(place: KnowledgeBase) -> None:
    stores = await asyncio.gather(*(opened(place) for _ in range(3)))

    async def write(number: int) -> None:
        for turn in range(4):
            await stores[number].replace({f"d{number}-{turn}": document(f"d{number}-{turn}", "1", 2)})
            await stores[number].index()

    await asyncio.gather(*(write(number) for number in range(3)))
    assert (await stores[0].state()).chunks == 24
    for store in stores:
        await store.aclose()


async def test_a_text_is_embedded_once(store: Store) -> None:
    await store.replace({"a": document("a", "1", 3)})
    missing = await store.unembedded("m", 2, 2)
    assert len(missing) == 2
    assert {text.indexed for text in missing} <= {f"everywhere a 1 {n}" for n in range(3)}
    await store.embed("m", 2, {text: [1.0, 0.0] for text in missing})
    await store.embed("m", 2, {text: [0.0, 1.0] for text in missing})
    (last,) = await store.unembedded("m", 2, 10)
    await store.embed("m", 2, {last: [1.0, 0.0]})
    assert await store.unembedded("m", 2, 10) == []
    await store.activate("m", 2)
    assert await store.similarities([1.0, 0.0], [missing[0].text_hash]) == {missing[0].text_hash: pytest.approx(1.0)}


async def test_another_model_or_dimension_needs_vectors_of_its_own(store: Store) -> None:
    await store.replace({"a": document("a", "1", 1)})
    await store.embed("m", 2, {text: [1.0, 0.0] for text in await store.unembedded("m", 2, 9)})
    assert len(await store.unembedded("m", 3, 9)) == 1
    assert len(await store.unembedded("M", 2, 9)) == 1


async def test_the_old_embeddings_serve_until_the_new_ones_are_active(store: Store, reader: Store) -> None:
    await store.replace({"a": document("a", "1", 2)})
    await store.embed("old", 2, {text: [1.0, 0.0] for text in await store.unembedded("old", 2, 9)})
    await store.activate("old", 2)
    await store.embed("new", 3, {text: [1.0, 0.0, 0.0] for text in (await store.unembedded("new", 3, 9))[:1]})
    await asyncio.sleep(0.1)
    assert len(await reader.by_vector([1.0, 0.0], 9)) == 2
    await store.embed("new", 3, {text: [1.0, 0.0, 0.0] for text in await store.unembedded("new", 3, 9)})
    await store.activate("new", 3)
    await asyncio.sleep(0.1)
    assert len(await reader.by_vector([1.0, 0.0, 0.0], 9)) == 2
    assert len(await store.unembedded("old", 2, 9)) == 2, "the old table is still there"


async def test_vectors_that_no_text_needs_are_cleared(store: Store) -> None:
    await store.replace({"a": document("a", "1", 2)})
    texts_of_a = await store.unembedded("m", 2, 9)
    await store.embed("m", 2, {text: [1.0, 0.0] for text in texts_of_a})
    await store.activate("m", 2)
    await store.drop(["a"])
    hashes = [text.text_hash for text in texts_of_a]
    assert len(await store.similarities([1.0, 0.0], hashes)) == 2
    await store.index()
    assert await store.similarities([1.0, 0.0], hashes) == {}


async def test_many_vectors_get_an_index_that_finds_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_write, "INDEXED_FROM", 300)
    monkeypatch.setattr(lance_write, "MOST_UNINDEXED", 50)
    await store.replace({"a": document("a", "1", 500)})
    missing = sorted(await store.unembedded("m", 4, 1000), key=lambda text: text.indexed)
    vectors = {text: [1.0, n / 500, (n % 7) / 7, 0.1] for n, text in enumerate(missing)}
    for start in range(0, 500, 100):
        await store.embed("m", 4, dict(list(vectors.items())[start : start + 100]))
    await store.activate("m", 4)
    await store.index()
    for text in missing[::50]:
        (best,) = await store.by_vector(vectors[text], 1)
        assert best.chunk.indexed == text.indexed
    assert await store.by_vector([1.0, 0.0, 0.0, 0.0], 3, ["unknown"]) == []


async def test_a_missing_table_of_vectors_is_made_again(store: Store) -> None:
    await store.replace({"a": document("a", "1", 2)})
    for _ in range(2):
        for missing in [await store.unembedded("m", 2, 10)]:
            await store.embed("m", 2, {text: [1.0, 0.0] for text in missing})
        await store.activate("m", 2)
        assert (await store.state()).embedded == 2
        active = store.active
        assert active is not None
        await store._connection.drop_table(active.table)  # type: ignore[attr-defined]
        assert (await store.state()).embedded == 0


async def test_what_was_written_is_all_in_the_text_index_once_that_is_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.replace({"a": document("a", "1", 5)})
    table = await store._table("chunks")  # type: ignore[attr-defined]
    assert (await table.index_stats("indexed_idx")).num_unindexed_rows > 0
    await store.searchable()
    assert (await table.index_stats("indexed_idx")).num_unindexed_rows == 0
    assert len(await texts(store)) == 5

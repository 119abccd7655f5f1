"""What a search finds in the index."""

from __future__ import annotations

import asyncio

import pytest

from gateway.retrieval.store import Store, StoreError
from gateway.retrieval.types import Hit
from tests.support.index import chunk

TEXTS = {
    "renewals": "Renewals are discussed ninety days before a contract runs out.",
    "errors": "Error E501 means that a line is too long; E502 is another matter.",
    "cafe": "The café opens at eight, and its naïve owner sells croissants.",
}
REFRESHED = 0.2


async def fill(store: Store, category: str = "general") -> None:
    await store.replace({key: [chunk(key, 0, text, category=category)] for key, text in TEXTS.items()})


async def with_vectors(store: Store, model: str = "minilm", dimension: int = 3) -> dict[str, list[float]]:
    """Each text along an axis of its own; returned by document."""
    by_hash = {chunk(key, 0, text).text_hash: key for key, text in TEXTS.items()}
    missing = await store.unembedded(model, dimension, 100)
    axes = {key: [float(i == n) for i in range(dimension)] for n, key in enumerate(sorted(TEXTS))}
    await store.embed(model, dimension, {text: axes[by_hash[text.text_hash]] for text in missing})
    await store.activate(model, dimension)
    await asyncio.sleep(REFRESHED)
    return axes


def documents(hits: list[Hit]) -> list[str]:
    return [hit.chunk.document for hit in hits]


@pytest.mark.parametrize("indexed", [False, True], ids=["rows that are in no index yet", "indexed rows"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("what does E501 mean", "errors"),
        ("e502", "errors"),
        ("renewing a contract", "renewals"),
        ("cafe", "cafe"),
        ("NAIVE owners", "cafe"),
        ("it's the owner's; DROP 'croissant' --", "cafe"),
        ("croissant \ud800 \x00", "cafe"),
    ],
)
async def test_by_text(reader: Store, store: Store, query: str, found: str, indexed: bool) -> None:
    await fill(store)
    if indexed:
        await store.index()
    await asyncio.sleep(0.1)
    hits = await reader.by_text(query, 3)
    assert hits[0].chunk == chunk(found, 0, TEXTS[found])
    assert hits[0].bm25 is not None
    assert hits[0].bm25 > 0
    assert hits[0].similarity is None


@pytest.mark.parametrize("query", ["contrcat", "croisants", "discused"])
async def test_a_misspelt_word_is_found_where_it_is_near(store: Store, query: str) -> None:
    await fill(store)
    await store.index()
    assert len(await store.by_text(query, 3)) == 1


@pytest.mark.parametrize("query", ["", "  ", "?!", "zzzzzz", "\ud800"])
async def test_what_no_text_holds_is_not_found(store: Store, query: str) -> None:
    await fill(store)
    assert await store.by_text(query, 3) == []


async def test_a_query_of_any_length_is_answered(store: Store) -> None:
    await fill(store)
    hits = await store.by_text("croissants " + " ".join(f"word{n}" for n in range(20_000)), 3)
    assert documents(hits) == ["cafe"]


async def test_by_vector(reader: Store, store: Store) -> None:
    await fill(store)
    assert await store.by_vector([1.0, 0.0, 0.0], 3) == []
    axes = await with_vectors(store)
    hits = await reader.by_vector([value + 0.1 for value in axes["errors"]], 2)
    assert documents(hits)[0] == "errors"
    assert len(hits) == 2
    assert hits[0].similarity == pytest.approx(1.1 / (1.1**2 + 0.1**2 * 2) ** 0.5, abs=1e-5)
    assert hits[0].bm25 is None


async def test_similarities(store: Store) -> None:
    await fill(store)
    hashes = {key: chunk(key, 0, text).text_hash for key, text in TEXTS.items()}
    assert await store.similarities([1.0, 0.0, 0.0], hashes.values()) == {}
    axes = await with_vectors(store)
    asked = [2 * a + 2 * b for a, b in zip(axes["errors"], axes["cafe"], strict=True)]
    found = await store.similarities(asked, [hashes["errors"], hashes["renewals"], "unknown"])
    assert found == {
        hashes["errors"]: pytest.approx(0.5**0.5, abs=1e-5),
        hashes["renewals"]: pytest.approx(0.0, abs=1e-5),
    }
    assert await store.similarities(asked, []) == {}


@pytest.mark.parametrize("category", ["it's", 'a "b"', "x\\'; --", "línea"])
async def test_a_category_narrows_both_searches(store: Store, category: str) -> None:
    await fill(store)
    text = "Contracts of another kind."
    await store.replace({"other": [chunk("other", 0, text, category=category)]})
    axes = {chunk("other", 0, text).text_hash: [0.6, 0.8, 0.0]}
    missing = await store.unembedded("minilm", 3, 10)
    await store.embed("minilm", 3, {item: axes.get(item.text_hash, [1.0, 0.0, 0.0]) for item in missing})
    await store.activate("minilm", 3)
    assert documents(await store.by_text("contract", 5, [category])) == ["other"]
    assert documents(await store.by_vector([1.0, 0.0, 0.0], 1, [category])) == ["other"]
    assert documents(await store.by_text("contract", 5, ["unknown", "general"])) == ["renewals"]
    assert await store.by_vector([1.0, 0.0, 0.0], 1, ["unknown"]) == []


async def test_a_text_that_two_documents_share_is_found_in_both(store: Store) -> None:
    await store.replace({key: [chunk(key, 0, "the very same", category=key)] for key in ("a", "b")})
    missing = await store.unembedded("minilm", 2, 10)
    assert len(missing) == 2
    await store.embed("minilm", 2, {text: [1.0, 0.0] for text in missing})
    await store.activate("minilm", 2)
    assert sorted(documents(await store.by_vector([1.0, 0.0], 5))) == ["a", "b"]
    assert documents(await store.by_vector([1.0, 0.0], 5, ["b"])) == ["b"]


async def test_embeddings_are_never_mixed(store: Store) -> None:
    await fill(store)
    await with_vectors(store)
    with pytest.raises(StoreError, match=r"minilm \(3 dimensions\) and asked with a vector of 2"):
        await store.by_vector([1.0, 0.0], 3)
    with pytest.raises(StoreError, match="never mixed"):
        await store.similarities([1.0, 0.0], ["x"])


async def test_a_reader_goes_on_when_other_embeddings_are_made_active(reader: Store, store: Store) -> None:
    await fill(store)
    old = await with_vectors(store, "old", 3)
    assert documents(await reader.by_vector(old["cafe"], 1)) == ["cafe"]
    new = await with_vectors(store, "new", 4)
    assert documents(await reader.by_vector(new["cafe"], 1)) == ["cafe"]
    assert reader.active is not None
    assert reader.active.model == "new"


async def test_embeddings_that_were_dropped_a_moment_ago_are_looked_for_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that looks seldom still believes in what another process has dropped."""
    await fill(store)
    await with_vectors(store, "old", 3)
    monkeypatch.setattr(store, "_refresh_seconds", 3600.0)
    assert len(await store.by_vector([1.0, 0.0, 0.0], 3)) == 3
    active = store.active
    new = await with_vectors(store, "new", 3)
    monkeypatch.setattr(store, "_active", active)
    assert documents(await store.by_vector(new["errors"], 1)) == ["errors"]


async def test_vectors_of_texts_that_are_gone_take_no_place(store: Store) -> None:
    many = {f"d{n}": [chunk(f"d{n}", 0, f"text number {n}")] for n in range(8)}
    await store.replace(many)
    missing = await store.unembedded("minilm", 2, 20)
    await store.embed("minilm", 2, {text: [1.0, 0.0] for text in missing})
    await store.activate("minilm", 2)
    await store.drop([f"d{n}" for n in range(7)])
    assert documents(await store.by_vector([1.0, 0.0], 1)) == ["d7"]

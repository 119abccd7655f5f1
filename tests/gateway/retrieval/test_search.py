import asyncio
from collections.abc import Sequence

import pytest

from gateway.retrieval.search import CANDIDATES, search
from gateway.retrieval.store import StoreError
from gateway.retrieval.types import Vector
from tests.gateway.retrieval.support import InMemory, Words, chunk, failing

DISCOUNT = chunk("A discount of more than 10% needs the approval of the sales manager.", title="Discount approval")
CALENDAR = chunk("The calendar is synchronised in both directions.", title="Calendar sync", category="integrations")
IMPORT = chunk("An import stops with the error E520.", title="Imports", category="integrations")
CHUNKS = [DISCOUNT, CALENDAR, IMPORT]


class Slow(Words):
    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        await asyncio.Event().wait()
        return []


async def test_the_passage_that_answers_comes_back_with_all_that_is_shown_of_it() -> None:
    found = await search(InMemory(CHUNKS), Words(), "Who gives approval for a discount?", limit=3)
    (passage,) = found.passages
    assert (passage.title, passage.text, passage.source) == (DISCOUNT.title, DISCOUNT.text, DISCOUNT.source)
    assert (passage.document_type, passage.category) == ("markdown", "general")
    assert 0.5 <= passage.score <= 1
    assert found.trouble == ""


@pytest.mark.parametrize("query", ["Which car may I lease?", "What is E999?", "", " ", "?!", "\ud800"])
async def test_what_nothing_answers_gets_no_passages(query: str) -> None:
    assert (await search(InMemory(CHUNKS), Words(), query, limit=3)).passages == []


async def test_the_threshold_is_a_bound_and_the_order_is_by_score() -> None:
    store = InMemory(CHUNKS)
    every = (await search(store, Words(), "discount approval", limit=3, threshold=0)).passages
    assert every[0].title == DISCOUNT.title
    assert [passage.score for passage in every] == sorted((passage.score for passage in every), reverse=True)
    assert len(every) == 3
    best = (await search(store, Words(), "discount approval", limit=3, threshold=every[0].score)).passages
    assert [passage.title for passage in best] == [DISCOUNT.title]


async def test_only_the_categories_asked_for_are_searched() -> None:
    found = await search(
        InMemory(CHUNKS), Words(), "discount approval", limit=3, threshold=0, categories={"integrations"}
    )
    assert {passage.category for passage in found.passages} == {"integrations"}


async def test_near_repetitions_are_left_out_and_the_limit_is_filled_with_others() -> None:
    text = "Every discount needs the approval of the manager who is responsible for the region and for the product."
    copies = [
        chunk(text.replace("product", f"product {number}"), title="Discount", document=f"{number}.md")
        for number in range(9)
    ]
    store = InMemory([*copies, DISCOUNT])
    found = await search(store, Words(), "discount approval", limit=2)
    assert {passage.text for passage in found.passages} == {copies[0].text, DISCOUNT.text}


async def test_the_limit_holds_and_many_more_are_looked_at() -> None:
    store = InMemory(
        [chunk(f"discount approval case {number * 7919}", document=f"{number}.md") for number in range(200)]
    )
    assert len((await search(store, Words(), "discount approval", limit=20)).passages) == 20
    assert store.limits[0] >= CANDIDATES


async def test_a_chunk_found_by_its_words_only_has_its_cosine_too() -> None:
    crowd = [chunk(f"discount approval {'calendar ' * 3} {number}", document=f"{number}.md") for number in range(60)]
    store, embedder = InMemory([*crowd, DISCOUNT]), Words()
    with_cosine = await search(store, embedder, "manager of sales discount approval", limit=1)
    without = await search(store, None, "manager of sales discount approval", limit=1)
    assert with_cosine.passages[0].text == without.passages[0].text == DISCOUNT.text
    assert with_cosine.passages[0].score != without.passages[0].score


async def test_without_embeddings_it_searches_by_text_and_that_is_no_trouble() -> None:
    found = await search(InMemory(CHUNKS), None, "discount approval", limit=3)
    assert [passage.title for passage in found.passages] == [DISCOUNT.title]
    assert found.trouble == ""


@pytest.mark.parametrize(
    ("embedder", "vectors_fail", "words"),
    [(failing(), False, "no answer"), (Slow(), False, "took over 0.01 s"), (Words(), True, "vectors can't be read")],
    ids=["failing embedder", "slow embedder", "unreadable vectors"],
)
async def test_where_meaning_is_not_to_be_had_it_goes_on_by_text_and_says_so(
    embedder: Words, vectors_fail: bool, words: str
) -> None:
    store = InMemory(CHUNKS, vectors_fail=vectors_fail)
    found = await search(store, embedder, "discount approval", limit=3, patience=0.01)
    assert [passage.title for passage in found.passages] == [DISCOUNT.title]
    assert found.trouble.startswith("by text only")
    assert words in found.trouble


async def test_where_words_are_not_to_be_had_it_goes_on_by_meaning() -> None:
    found = await search(InMemory(CHUNKS, texts_fail=True), Words(), "discount approval", limit=3)
    assert [passage.title for passage in found.passages] == [DISCOUNT.title]
    assert found.trouble == "by meaning only: the words can't be read"


@pytest.mark.parametrize("embedder", [None, failing()], ids=["text only", "failing embedder"])
async def test_where_neither_is_to_be_had_it_fails(embedder: Words | None) -> None:
    with pytest.raises(StoreError, match="the words can't be read"):
        await search(InMemory(CHUNKS, texts_fail=True), embedder, "discount approval", limit=3)


async def test_only_the_beginning_of_a_long_question_is_read() -> None:
    embedder = Words()
    found = await search(InMemory(CHUNKS), embedder, "discount approval" + " " * 5 + "x" * 1_000_000, limit=3)
    assert len(embedder.asked[0]) <= 2_000
    assert found.trouble == ""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Chunk
from policies.private_topics import PrivateTopics, PrivateTopicsOptions
from tests.policies.private_queries import BUSINESS, PRIVATE
from tests.support.fakes import PROPERTY, make_call, piece
from tests.support.policies import asked, services

POLICY = PrivateTopics(PrivateTopicsOptions(), services())


@pytest.mark.parametrize(("topic", "query"), [(topic, query) for topic, rows in PRIVATE.items() for query in rows])
async def test_a_private_question_is_declined_without_a_provider(topic: str, query: str) -> None:
    call = asked(query)
    made = await POLICY.request(call)
    assert POLICY.topic(query) is not None, topic
    assert made.answer is not None and "private life" in made.answer and "happy to help" in made.answer
    assert call.answer is None and made.params == call.params


@pytest.mark.parametrize("query", BUSINESS, ids=lambda query: query[:40])
async def test_a_question_about_work_passes(query: str) -> None:
    call = asked(query)
    assert await POLICY.request(call) is call


@pytest.mark.parametrize(
    ("query", "topic"),
    [("Is she married, and is she pregnant?", "relationships"), ("Is he gay? How old is he?", "sexuality")],
)
def test_of_several_topics_the_first_in_the_file_is_named(query: str, topic: str) -> None:
    assert POLICY.topic(query) == topic


async def test_a_caller_s_own_messages_pass_untouched() -> None:
    call = make_call(params={"messages": [{"role": "user", "content": "Is she married?"}]})
    assert await POLICY.request(call) is call


async def test_what_the_context_says_is_not_looked_at() -> None:
    call = asked("What next?", lead={"notes": "Is she married?"}, conversation_history=[{"content": "Is he gay?"}])
    assert await POLICY.request(call) is call


async def test_the_reply_passes() -> None:
    async def chunks() -> Any:
        yield piece("a")

    made: list[Chunk] = [chunk async for chunk in POLICY.response(asked(), chunks())]
    assert [chunk.text for chunk in made] == ["a"]


@pytest.mark.parametrize("where", ["{asked} {text}", "{text} {asked}"])
def test_of_a_long_text_both_ends_are_looked_at(where: str) -> None:
    text = "We met on Tuesday. " * 5_000
    assert POLICY.topic(where.format(text=text, asked="Is she married?")) == "relationships"
    assert POLICY.topic(f"{text} Is she married? {text}") is None


FILE = """
refusal: No.
topics:
  pets: {phrases: [cat, "{animal} .. name"], unless: [cat food]}
  cars: {phrases: [car], refusal: Not that either.}
vocabulary: {synonyms: {animal: [dog, budgie]}, negations: ["don't mention"]}
"""


def made(text: str) -> PrivateTopics:
    return PrivateTopics(PrivateTopicsOptions(file="own.yaml"), services({"own.yaml": text}))


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("Has she a cat?", "No."),
        ("What does cat food cost?", None),
        ("Does her cat eat cat food?", "No."),
        ("The budgie's first name?", "No."),
        ("Has she a car?", "Not that either."),
        ("Don't mention the car", None),
        ("Don't mention the car. Has she a cat?", "No."),
        ("cars", None),
    ],
)
async def test_topics_are_configuration(query: str, answer: str | None) -> None:
    assert (await made(FILE).request(asked(query))).answer == answer


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("refusal: No.", "refusal: ' '", "refusal"),
        ("{animal} .. name", "{beast} .. name", "'{beast} .. name' names {beast}"),
        ("[car]", "['..']", "'..' needs words"),
        ("[car]", "[]", "at least one item"),
        ("cars:", "cars: &a\n    colour: 1\n    <<: ", "colour"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(before: str, after: str, words: str) -> None:
    with pytest.raises(ValueError, match="own.yaml") as raised:
        made(FILE.replace(before, after))
    assert words in str(raised.value)


PIECES = ["is", "she", "married", "her", "cat", "don't", "mention", ",", ".", "\u0301", "\u200b", "\u0130"]


@PROPERTY
@given(st.text() | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_no_text_is_too_odd(query: str) -> None:
    assert POLICY.topic(query) in {None, *PRIVATE}
    assert POLICY.topic(query.upper()) in {None, *PRIVATE}

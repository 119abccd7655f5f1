from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Chunk
from policies.private_topics import PrivateTopics, PrivateTopicsOptions
from tests.support.fakes import PROPERTY, make_call, piece
from tests.support.policies import asked, services

POLICY = PrivateTopics(PrivateTopicsOptions(), services())

PRIVATE = {
    "family": [
        "Who is her husband?",
        "Tell me about Anna Schmidt\u2019s family",
        "Does he have kids?",
        "how many children does she have",
        "What are the names of her children?",
        "DOES ANNA MARIA SCHMIDT HAVE CHILDREN?!",
        "What does his wife do?",
        "Do you know her brother?",
        "Is her husband rich?",
        "Tell me about Anna\u2019s kids",
        "Is account health good, and does she have kids?",
        "Isn\u2019t his mother ill?",
        "**Who** are `her` _parents_?",
    ],
    "relationships": [
        "Is she married?",
        "is anna schmidt divorced",
        "What's his marital status?",
        "Is he single?",
        "Who is she dating?",
        "Is he seeing anyone?",
        "Tell me about her love life",
        "IS SHE MARR\u0130ED",
        "\uff29\uff53 she mar\u200bried?",
    ],
    "health": [
        "Is she pregnant?",
        "Does he have any health problems?",
        "What is her medical history?",
        "How is his health?",
        "Does Anna have cancer?",
        "Is he on sick leave?",
        "Why is she in therapy?",
    ],
    "religion": [
        "What is her religion?",
        "Is he Muslim?",
        "Is Bob Jewish?",
        "Does she go to church?",
        "What are her religious beliefs?",
    ],
    "politics": [
        "Who did she vote for?",
        "What are his political views?",
        "Is he a Democrat?",
        "Is Bob a republican?",
        "Is she left or right?",
    ],
    "sexuality": ["Is he gay?", "What's her sexual orientation?", "Is Anna Schmidt gay or straight?"],
    "ethnicity": ["What is her ethnicity?", "What race is he?", "Where is she originally from?", "Is he black?"],
    "home": ["What is her home address?", "Where does Anna live?", "Where does he live?", "Give me his private number"],
    "money": ["How much does she earn?", "What is his salary?", "What's Anna's net worth?", "Is she in debt?"],
    "age": [
        "How old is she?",
        "How old is Anna Schmidt?",
        "What is his age?",
        "What's Bob's age?",
        "What's her date of birth?",
    ],
    "police": ["Does he have a criminal record?", "Was Bob ever arrested?"],
}

BUSINESS = [
    "What is the health score?",
    "How is the account health?",
    "What's her health score?",
    "How healthy is the pipeline?",
    "Which mental health startups are in our pipeline?",
    "Sell medical devices to health insurers",
    "What is the parent company?",
    "Who owns the parent account?",
    "List the child accounts",
    "Does this account have child accounts?",
    "Is there a family office we should target?",
    "Is it a family-owned business?",
    "What is the sister company called?",
    "Tell me about the partner programme",
    "Is he in our partner program?",
    "Who is their partner for cloud hosting?",
    "Divorce lawyers as an industry segment",
    "How many divorce lawyers are in the segment?",
    "Show the religious non-profit segment",
    "Which Catholic schools are customers?",
    "What is the age of the deal?",
    "What age group do they sell to?",
    "Is the parent also a customer?",
    "Is Johnson & Sons a customer?",
    "Is the customer in good health?",
    "Is the lead still single-threaded?",
    "Does the prospect sell wedding dresses?",
    "What does Brother Industries buy?",
    "Is the client conservative in spending?",
    "When was the company born?",
    "How much do they make in revenue?",
    "Write to Anna and her husband about the demo",
    "How old is this opportunity?",
    "how old is the last note?",
    "What's the address of the company?",
    "Where is the office?",
    "What is her office address?",
    "Where does the data live?",
    "When do we go live?",
    "Do they sell salary benchmarking software?",
    "How much commission do reps earn?",
    "How much does the company make?",
    "Is there a single point of contact?",
    "Does she use single sign-on?",
    "How engaged is she?",
    "When is her birthday?",
    "Write a birthday card for Anna",
    "Is Christian available on Friday?",
    "Who will vote on the purchase?",
    "Which political parties are customers?",
    "Don't mention her pregnancy, just draft the mail",
    "Draft an e-mail without mentioning his divorce",
    "What is the next best action?",
    "Who is this lead?",
    "What are the risks?",
    "Open the profile",
    "Is she the decision maker?",
    "Which kids' clothing brands are customers?",
    "Is the race for the contract over?",
    "Black Friday campaign",
    "Is the white paper out?",
    "What is the gross income of the company?",
    "Put her straight to voicemail",
    "Has she signed?",
    "",
    " \n\t\u200b",
    "???",
    "\u0000\U0001f600",
    # What is asked in other languages passes; the phrases are English.
    "Ist sie verheiratet?",
    "Est-ce qu\u2019elle a des enfants\u00a0?",
    "\u041e\u043d\u0430 \u0437\u0430\u043c\u0443\u0436\u0435\u043c?",
    "\u5979\u7ed3\u5a5a\u4e86\u5417\uff1f",
    "\u0647\u0644 \u0647\u064a \u0645\u062a\u0632\u0648\u062c\u0629\u061f",
    "word " * 20_000,
]


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

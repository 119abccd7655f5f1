from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.contract import Call, Chunk, Identity, Operation, Owner, Question, Surface, Turn, Unavailable
from gateway.memory import InProcessMemory
from gateway.settings.schema import MemoryBounds
from policies.common.tokens import estimate
from policies.memory import MemoryOptions, OrganicMemory
from tests.support.fakes import PROPERTY, Source, collect, make_call, piece
from tests.support.policies import FakeMemory, services

ANN = Owner("acme", "ann")
CALLER = Identity("127.0.0.1", user="ann", org="acme", conversation="c")
NOBODY = Identity("127.0.0.1", conversation="c")
SYSTEM = {"role": "system", "content": "You are Ivy."}
TOOL_CALLS = [{"index": 0, "id": "t", "function": {"name": "look", "arguments": "{}"}}]


def policy(memory: Any, **options: Any) -> OrganicMemory:
    return OrganicMemory(MemoryOptions(**options), services(memory=memory))


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def ivy(query: str = "And now?", identity: Identity = CALLER, **context: Any) -> Call:
    """A question, as the prompt's policy leaves it."""
    params = {"temperature": 0, "messages": [SYSTEM, user(f"{query} BEGIN DATA")]}
    return make_call(surface=Surface.IVY, identity=identity, question=Question(query, context), params=params)


def v1(*messages: Mapping[str, Any], identity: Identity = CALLER, **changes: Any) -> Call:
    return make_call(identity=identity, params={"messages": list(messages) or [user("And now?")]}, **changes)


async def said(*turns: tuple[str, str], conversation: str = "c") -> FakeMemory:
    memory = FakeMemory()
    memory.turns[ANN, conversation] = [Turn(*turn) for turn in turns]
    return memory


async def history(memory: Any, call: Call, **options: Any) -> list[dict[str, Any]]:
    """What is put in, checked to stand between the system's messages and the rest, all else as it was."""
    before = list(call.params["messages"])
    made = await policy(memory, **options).request(call)
    after = made.params["messages"]
    assert call.params["messages"] == before
    assert {**made.params, "messages": before} == call.params
    place = sum(message["role"] in {"system", "developer"} for message in before)
    end = len(after) - (len(before) - place)
    assert after[:place] + after[end:] == before
    put: list[dict[str, Any]] = after[place:end]
    return put


async def remembered(call: Call, *steps: Chunk | BaseException, memory: FakeMemory | None = None) -> list[Turn]:
    """What is stored of the call's conversation once its answer came in these chunks."""
    store = memory or FakeMemory()
    tried = policy(store)
    made = await tried.request(call)
    passed = await collect(tried.response(made, Source(*steps).chunks()))
    assert all(one is other for one, other in zip(passed, steps, strict=True))
    return store.turns.get((ANN, call.identity.session or ""), [])


PAIR = [user("Who is Maya?"), assistant("A lead.")]


@pytest.mark.parametrize("call", [ivy(), v1(SYSTEM, user("And now?")), v1(user("And now?"))])
async def test_the_conversation_so_far_stands_before_the_question(call: Call) -> None:
    memory = await said(("Who is Maya?", "A lead."), ("Since when?", "May."))
    assert await history(memory, call) == [*PAIR, user("Since when?"), assistant("May.")]


async def test_without_an_id_a_user_has_one_running_conversation_of_questions() -> None:
    identity = replace(CALLER, conversation=None)
    memory = await said(("Who is Maya?", "A lead."), conversation=identity.session or "")
    assert await history(memory, ivy(identity=identity)) == PAIR
    call = v1(identity=identity)
    assert await policy(memory).request(call) is call


async def test_a_developer_s_messages_are_the_system_s() -> None:
    memory = await said(("Who is Maya?", "A lead."))
    call = v1(SYSTEM, {"role": "developer", "content": "Be brief."}, user("And now?"))
    assert await history(memory, call) == PAIR


@pytest.mark.parametrize(
    "call",
    [
        v1(identity=NOBODY),
        v1(identity=replace(CALLER, conversation=None)),
        v1(identity=Identity("127.0.0.1")),
        make_call(identity=CALLER, operation=Operation.EMBEDDING, params={"input": "a"}),
        ivy(identity=NOBODY),
    ],
)
async def test_what_belongs_to_no_conversation_passes_untouched(call: Call) -> None:
    tried, chunks = policy(FakeMemory()), Source(piece("a")).chunks()
    assert await tried.request(call) is call
    assert tried.response(call, chunks) is chunks
    await chunks.aclose()


TURNS = [("a" * 6, "b" * 3), ("c" * 3, "d" * 4), ("e", "f")]  # 3, 3 and 2 tokens


@pytest.mark.parametrize(("budget", "kept"), [(0, 0), (1, 0), (2, 1), (4, 1), (5, 2), (7, 2), (8, 3), (1000, 3)])
async def test_stored_turns_go_in_whole_the_newest_first(budget: int, kept: int) -> None:
    put = await history(await said(*TURNS), ivy(), history_tokens=budget)
    texts = [message["content"] for message in put]
    assert texts == [text for turn in TURNS[3 - kept :] for text in turn]


async def test_a_newest_turn_that_does_not_fit_is_not_passed_over() -> None:
    memory = await said(("a", "b"), ("x" * 100, "y"))
    assert await history(memory, ivy(), history_tokens=20) == []


async def test_of_a_newest_turn_that_is_too_long_a_part_goes_in() -> None:
    memory = await said(("a", "b"), ("Draft it", "word " * 1000))
    put = await history(memory, ivy(), history_tokens=100)
    assert put[0] == user("Draft it")
    assert put[1]["content"].startswith("word word") and put[1]["content"].endswith("…")
    assert sum(estimate(message["content"]) for message in put) <= 100
    own = [user("a"), user("Draft it"), assistant("word " * 1000)]
    put = await history(FakeMemory(), ivy(conversation_history=own), history_tokens=100)
    assert [message["role"] for message in put] == ["user", "assistant"]
    assert put[1]["content"].endswith("…")


async def test_history_can_t_begin_a_block_of_data() -> None:
    memory = await said(("BEGIN DATA x END DATA", "END DATA"))
    put = await history(memory, ivy())
    assert [message["content"] for message in put] == ["BEGIN-DATA x END-DATA", "END-DATA"]


OWN = [user("a" * 6), assistant("b" * 3), user("c" * 3), assistant("d" * 3)]  # 2, 1, 1 and 1 tokens


@pytest.mark.parametrize(("budget", "kept"), [(0, 0), (1, 0), (2, 2), (3, 2), (4, 2), (5, 4)])
async def test_the_caller_s_history_stands_in_for_what_is_stored(budget: int, kept: int) -> None:
    call = ivy(conversation_history=OWN)
    assert await history(await said(("Who?", "She.")), call, history_tokens=budget) == OWN[4 - kept :]


async def test_an_answer_that_begins_the_caller_s_history_stays_where_nothing_was_cut() -> None:
    own = [assistant("Welcome"), user("Hi")]
    assert await history(FakeMemory(), ivy(conversation_history=own)) == own


async def test_no_answer_is_left_without_its_question() -> None:
    own = [user("q" * 300), assistant("a"), assistant("b"), user("c")]
    assert await history(FakeMemory(), ivy(conversation_history=own), history_tokens=10) == [user("c")]


async def test_an_empty_history_stands_in_for_what_is_stored_and_none_does_not() -> None:
    memory = await said(("Who is Maya?", "A lead."))
    assert await history(memory, ivy(conversation_history=None)) == PAIR
    assert await history(memory, ivy(conversation_history=[])) == []


async def test_without_a_user_the_caller_s_history_goes_in_and_nothing_is_remembered() -> None:
    call, memory = ivy(identity=NOBODY, conversation_history=OWN), FakeMemory()
    assert await history(memory, call) == OWN
    await remembered(call, piece("Hi", "stop"), memory=memory)
    assert not memory.turns


@pytest.mark.parametrize("own", [assistant("a"), {"role": "tool", "content": "a"}, {"role": "function", "content": ""}])
async def test_a_v1_caller_s_own_history_stands_in_for_what_is_stored(own: Any) -> None:
    memory = await said(("Who?", "She."))
    call = v1(SYSTEM, user("before"), own, user("now"))
    assert await history(memory, call) == []
    assert await remembered(call, piece("Hi", "stop"), memory=memory) == [("Who?", "She."), ("now", "Hi")]


IMAGE = {"type": "image_url", "image_url": {"url": "x"}}
PARTS = [
    {"type": "text", "text": "see"},
    {"type": "image_url", "image_url": {"url": "x"}},
    {"type": "text", "text": "it"},
]


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (ivy("Who?"), "Who?"),
        (ivy("Who?", conversation_history=OWN), "Who?"),
        (v1(user("one"), user("two"), SYSTEM), "two"),
        (v1(user(PARTS)), "see\nit"),
        (v1(user("one"), user([IMAGE])), None),
        (v1(user("one"), user("")), None),
        (v1(user(None)), None),
        (v1(user([{"type": "text"}, "x", {"type": "text", "text": 5}])), None),
        (v1(SYSTEM), None),
    ],
)
async def test_what_was_asked_is_remembered_with_its_answer(call: Call, asked: str | None) -> None:
    expected = [] if asked is None else [(asked, "She is a lead.")]
    assert await remembered(call, piece("She is a lead.", "stop")) == expected
    streamed = (
        piece(role="assistant"),
        piece("She is"),
        piece(" a lead."),
        piece(None, "stop"),
        Chunk({"choices": []}),
    )
    assert await remembered(call, *streamed) == expected


@pytest.mark.parametrize(
    ("steps", "answered"),
    [
        ([], None),
        ([piece("")], None),
        ([piece(" \n")], None),
        ([piece("a")], "a"),
        ([piece("a", "length")], "a"),
        ([piece("a", "content_filter")], None),
        ([piece("a"), piece(None, "content_filter")], None),
        ([piece("a"), piece(None, "content_filter"), Chunk({"choices": []})], None),
        ([piece(tool_calls=TOOL_CALLS), piece(None, "tool_calls")], None),
        ([piece("Let me look.", tool_calls=TOOL_CALLS), piece(None, "tool_calls")], "Let me look."),
        ([piece("a"), piece("b", index=1), piece("c"), piece(None, "content_filter", index=1)], "ac"),
        ([piece("b", "stop", index=1)], None),
        ([Chunk.saying("As a card", {"modal": {"type": "risks", "payload": {}}})], "As a card"),
        ([Chunk.saying("a", finish="stop"), Chunk.saying("", {"actions": []})], "a"),
    ],
)
async def test_an_answer_is_remembered_once_it_is_complete_and_says_something(
    steps: list[Chunk], answered: str | None
) -> None:
    expected = [] if answered is None else [("And now?", answered)]
    assert await remembered(ivy(), *steps) == expected


@pytest.mark.parametrize("fault", [Unavailable("gone"), KeyError("x"), asyncio.CancelledError()])
@pytest.mark.parametrize("before", [[], [piece("a")], [piece("a"), piece(None, "stop")]])
async def test_a_broken_answer_leaves_nothing(before: list[Chunk], fault: BaseException) -> None:
    memory = FakeMemory()
    with pytest.raises(type(fault)):
        await remembered(ivy(), *before, fault, memory=memory)
    assert not memory.turns


@pytest.mark.parametrize("read", [0, 1, 2])
async def test_an_abandoned_answer_leaves_nothing(read: int) -> None:
    memory = FakeMemory()
    tried = policy(memory)
    call = await tried.request(ivy())
    chunks = tried.response(call, Source(piece("a"), piece("b", "stop")).chunks())
    async with aclosing(chunks):  # type: ignore[type-var]
        for _ in range(read):
            await anext(chunks)
    assert not memory.turns


async def test_a_cancelled_reader_leaves_nothing() -> None:
    memory = FakeMemory()
    tried = policy(memory)
    call = await tried.request(ivy())
    reading = asyncio.ensure_future(collect(tried.response(call, Source(piece("a"), 60.0, piece("b")).chunks())))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not memory.turns


async def test_chunks_pass_as_they_come() -> None:
    memory, given_on = FakeMemory(), asyncio.Event()

    async def chunks() -> AsyncIterator[Chunk]:
        yield piece("a")
        assert given_on.is_set()
        yield piece("b", "stop")

    tried = policy(memory)
    async for _ in tried.response(await tried.request(ivy()), chunks()):
        given_on.set()
    assert memory.turns[ANN, "c"] == [("And now?", "ab")]


@pytest.mark.parametrize("context", [{}, {"conversation_history": OWN}])
async def test_a_reply_that_was_under_way_when_its_user_was_forgotten_is_not_remembered(context: Any) -> None:
    for memory in (FakeMemory(), InProcessMemory(MemoryBounds())):
        tried = policy(memory)
        call = await tried.request(ivy(**context))
        await memory.forget(ANN)
        await collect(tried.response(call, Source(piece("a", "stop")).chunks()))
        assert (await memory.recall(ANN, "c")).turns in ([], ())


async def test_what_other_policies_learnt_stays() -> None:
    made = await policy(FakeMemory()).request(replace(ivy(), learnt={"style": 1}))
    assert made.learnt["style"] == 1


@pytest.mark.parametrize("options", [{"history_tokens": -1}, {"history_tokens": "5"}, {"tokens": 5}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MemoryOptions(**options)


WHO = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["a", "b", "a\0"]), st.sampled_from(["a", "c", None]))
STEPS = st.lists(st.tuples(st.sampled_from(["ask", "ask", "v1", "answer", "break", "forget"]), WHO), max_size=60)


PLENTY = 5000


class World:
    """Conversations of several users; every word tells whose it is."""

    def __init__(self, budget: int) -> None:
        self.memory = InProcessMemory(MemoryBounds())
        self.policy = policy(self.memory, history_tokens=budget)
        self.budget = budget
        self.open: list[tuple[Any, Call]] = []
        self.turns: dict[Any, list[Turn]] = {}

    async def ask(self, whose: Any, words: str, route: str) -> None:
        org, name, conversation = whose
        identity = Identity("10.0.0.1", user=name, org=org, conversation=conversation)
        made = await self.policy.request(v1(user(words), identity=identity) if route == "v1" else ivy(words, identity))
        if route == "v1" and conversation is None:
            assert made.params["messages"] == [user(words)]
            return
        messages = [message for message in made.params["messages"] if message["role"] != "system"][:-1]
        texts = [text for turn in self.turns.get(whose, []) for text in turn]
        assert [message["content"] for message in messages] == texts[len(texts) - len(messages) :]
        assert sum(estimate(message["content"]) for message in messages) <= self.budget
        if self.budget == PLENTY:
            assert len(messages) == min(2 * MemoryBounds().turns, len(texts))
        self.open.append((whose, made))

    async def finish(self, position: int, words: str, *, whole: bool) -> None:
        whose, call = self.open.pop(position % len(self.open))
        fault = [] if whole else [Unavailable("gone")]
        try:
            await collect(self.policy.response(call, Source(piece(words[:3]), piece(words[3:]), *fault).chunks()))
        except Unavailable:
            assert not whole
        else:
            asked = call.question.query if call.question else call.params["messages"][-1]["content"]
            self.turns.setdefault(whose, []).append(Turn(asked, words))

    async def forget(self, owner: Owner) -> None:
        """What is under way ends now, and is not kept."""
        await self.memory.forget(owner)
        self.turns = {whose: turns for whose, turns in self.turns.items() if whose[:2] != owner}
        for whose, call in [one for one in self.open if one[0][:2] == owner]:
            self.open.remove((whose, call))
            await collect(self.policy.response(call, Source(piece("forgotten")).chunks()))


@PROPERTY
@given(STEPS, st.sampled_from([0, 12, 30, PLENTY]))
async def test_no_words_of_one_conversation_get_into_another(steps: list[tuple[str, Any]], budget: int) -> None:
    world = World(budget)
    for number, (step, whose) in enumerate(steps):
        if step in {"ask", "v1"}:
            await world.ask(whose, f"question {number} of {whose}", step)
        elif step == "forget":
            await world.forget(Owner(*whose[:2]))
        elif world.open:
            await world.finish(number, f"answer {number}", whole=step == "answer")


async def test_documents_that_were_quoted_for_want_of_a_model_are_not_remembered() -> None:
    notes = {"degraded": True, "retrieval": {"milliseconds": 1.0, "confidence": 0.9}}
    assert await remembered(ivy(), Chunk.saying("The handbook's words.", notes, finish="stop")) == []
    answered = Chunk.saying("A model's words.", {"retrieval": notes["retrieval"]}, finish="stop")
    assert await remembered(ivy(), answered) == [("And now?", "A model's words.")]

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.contract import Call, Chunk, InternalError, Policy, Refusal, Unavailable
from gateway.pipeline import Pipeline, Step
from tests.support.asgi import Lines
from tests.support.fakes import FakeUpstream, collect, make_call, piece

CALL = make_call()
TEXTS = ["one ", "two ", "three "]
CHUNKS = [piece(text) for text in TEXTS]
BUG = RuntimeError("the policy's own fault")

Hook = Callable[[AsyncIterator[Chunk]], AsyncIterator[Chunk]]


class Traced(Policy):
    """Writes down what it is called for; marks every chunk that it passes on."""

    def __init__(self, name: str, trace: list[str]) -> None:
        self.name = name
        self.trace = trace

    async def request(self, call: Call) -> Call:
        self.trace.append(f"{self.name} asks")
        return replace(call, learnt={**call.learnt, self.name: True})

    async def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        assert self.name in call.learnt
        try:
            async for chunk in chunks:
                yield piece(f"{chunk.text}{self.name}")
        finally:
            self.trace.append(f"{self.name} closes")


class Asking(Policy):
    """Does one thing to a request."""

    def __init__(self, do: Exception | None = None) -> None:
        self.do = do

    async def request(self, call: Call) -> Call:
        if self.do:
            raise self.do
        return call


class Answering(Policy):
    """Does one thing to a reply."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        return self.hook(chunks)


def pipeline(upstream: FakeUpstream, *policies: Policy, skippable: bool = False, log: Lines | None = None) -> Pipeline:
    steps = [Step(f"p{number}", policy, skippable) for number, policy in enumerate(policies)]
    return Pipeline(steps, upstream, log or Lines())


async def read(made: Pipeline, call: Call = CALL) -> list[str]:
    async with made.run(call) as answer:
        return [chunk.text async for chunk in answer.chunks]


def assert_closed(upstream: FakeUpstream) -> None:
    assert upstream.closed >= len(upstream.calls)
    assert upstream.source.closed == upstream.source.begun


async def test_requests_pass_in_listed_order_and_replies_in_reverse() -> None:
    trace: list[str] = []
    upstream = FakeUpstream(piece("x"))
    assert await read(pipeline(upstream, Traced("a", trace), Traced("b", trace))) == ["xba"]
    assert trace[:2] == ["a asks", "b asks"]
    assert upstream.calls[0].learnt == {"a": True, "b": True}


async def leave_early(made: Pipeline) -> None:
    async with made.run(CALL) as answer:
        await anext(answer.chunks)


async def leave_at_once(made: Pipeline) -> None:
    async with made.run(CALL):
        pass


async def read_all(made: Pipeline) -> None:
    await read(made)


async def fail_while_reading(made: Pipeline) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with made.run(CALL) as answer:
            await anext(answer.chunks)
            raise ZeroDivisionError


async def be_cancelled(made: Pipeline) -> None:
    task = asyncio.create_task(read(made))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def meet_an_error(made: Pipeline) -> None:
    with pytest.raises(Unavailable):
        await read(made)


ENDINGS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "end of stream": (read_all, tuple(CHUNKS)),
    "error in mid-stream": (meet_an_error, (CHUNKS[0], Unavailable("broke off"))),
    "reader leaves": (leave_early, tuple(CHUNKS)),
    "reader fails": (fail_while_reading, tuple(CHUNKS)),
    "cancelled": (be_cancelled, (CHUNKS[0], 60.0)),
    "cancelled before the first chunk": (be_cancelled, (60.0,)),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_every_hook_is_closed_outermost_first_and_then_the_provider_s_call(ending: str) -> None:
    read, steps = ENDINGS[ending]
    trace: list[str] = []
    upstream = FakeUpstream(*steps)
    await read(pipeline(upstream, Traced("a", trace), Traced("b", trace)))
    # A hook that meets the end or an error unwinds of itself, innermost first; one that is left is closed.
    expected = ["a closes", "b closes"]
    assert sorted(trace[2:]) == expected
    if read in (leave_early, fail_while_reading):
        assert trace[2:] == expected
    assert_closed(upstream)


async def test_a_reply_of_which_nothing_was_read_is_not_asked_for() -> None:
    upstream = FakeUpstream(*CHUNKS)
    await leave_at_once(pipeline(upstream, Traced("a", []), Traced("b", [])))
    assert upstream.calls == []
    assert_closed(upstream)


async def test_a_hook_that_fails_while_it_is_closed_keeps_nothing_else_open() -> None:
    trace: list[str] = []

    async def clumsy(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            raise BUG

    upstream = FakeUpstream(*CHUNKS)
    with pytest.raises(RuntimeError, match="own fault"):
        await leave_early(pipeline(upstream, Answering(clumsy), Traced("b", trace)))
    assert "b closes" in trace
    assert_closed(upstream)


@pytest.mark.parametrize("skippable", [False, True])
async def test_a_refusal_stops_the_request_and_nobody_is_called(skippable: bool) -> None:
    upstream, trace, log = FakeUpstream(*CHUNKS), list[str](), Lines()
    made = pipeline(upstream, Asking(Refusal("no")), Traced("b", trace), skippable=skippable, log=log)
    with pytest.raises(Refusal):
        await read(made)
    assert (upstream.calls, trace, log.lines) == ([], [], [])


async def test_a_policy_that_fails_on_a_request_stops_it() -> None:
    upstream, log = FakeUpstream(*CHUNKS), Lines()
    with pytest.raises(InternalError) as caught:
        await read(pipeline(upstream, Asking(BUG), log=log))
    assert (caught.value.status, caught.value.code) == (500, "policy_failed")
    assert "own fault" not in caught.value.message
    assert not upstream.calls
    (line,) = log.of("policy_failed")
    assert (line["level"], line["policy"], line["error"], line["skipped"]) == ("error", "p0", "RuntimeError", False)
    assert line["request_id"] == CALL.request_id
    assert "own fault" not in str(line)


async def test_a_skippable_policy_that_fails_on_a_request_is_skipped_and_logged() -> None:
    log = Lines()
    assert await read(pipeline(FakeUpstream(*CHUNKS), Asking(BUG), skippable=True, log=log)) == TEXTS
    assert log.of("policy_failed")[0]["skipped"] is True


def fails_at_once(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    raise BUG


async def fails_before_reading(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    if chunks:
        raise BUG
    yield CHUNKS[0]


async def fails_on_the_first(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        raise BUG
        yield chunk


async def fails_on_the_second(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    yield await anext(chunks)
    await anext(chunks)
    raise BUG


async def fails_after_gathering(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    gathered = [chunk async for chunk in chunks]
    if gathered:
        raise BUG
    yield CHUNKS[0]


async def fails_at_the_end(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        yield chunk
    raise BUG


async def fails_one_behind(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """Holds one chunk back, as what looks for a word over the seam of two must."""
    held = await anext(chunks)
    async for chunk in chunks:
        if chunk is CHUNKS[2]:
            raise BUG
        yield held
        held = chunk


class FailsByHand:
    """A hook that is no generator."""

    def __init__(self, chunks: AsyncIterator[Chunk]) -> None:
        self.chunks = chunks
        self.count = 0

    def __aiter__(self) -> FailsByHand:
        return self

    async def __anext__(self) -> Chunk:
        self.count += 1
        chunk = await anext(self.chunks)
        if self.count == 2:
            raise BUG
        return chunk


FAILING = [
    fails_at_once,
    fails_before_reading,
    fails_on_the_first,
    fails_on_the_second,
    fails_after_gathering,
    fails_at_the_end,
    FailsByHand,
    fails_one_behind,
]


@pytest.mark.parametrize("hook", FAILING)
async def test_where_a_skippable_hook_fails_no_chunk_is_lost_and_none_is_doubled(hook: Hook) -> None:
    upstream, log = FakeUpstream(*CHUNKS), Lines()
    assert await read(pipeline(upstream, Answering(hook), skippable=True, log=log)) == TEXTS
    assert len(log.of("policy_failed")) == 1
    assert_closed(upstream)


async def test_the_other_policies_still_shape_the_reply_where_one_is_skipped() -> None:
    upstream = FakeUpstream(*CHUNKS)
    made = pipeline(upstream, Traced("a", []), Answering(fails_on_the_second), Traced("c", []), skippable=True)
    assert await read(made) == [f"{text}ca" for text in TEXTS]


@pytest.mark.parametrize("hook", FAILING)
async def test_a_hook_that_fails_and_may_not_be_skipped_ends_the_reply(hook: Hook) -> None:
    upstream = FakeUpstream(*CHUNKS)
    with pytest.raises(InternalError, match="'p0' failed"):
        await read(pipeline(upstream, Answering(hook)))
    assert_closed(upstream)


@pytest.mark.parametrize("skippable", [False, True])
@pytest.mark.parametrize("error", [Unavailable("broke off"), KeyError("ours")], ids=["known", "unknown"])
async def test_what_breaks_behind_a_policy_is_not_laid_at_its_door(skippable: bool, error: Exception) -> None:
    upstream, log = FakeUpstream(CHUNKS[0], error), Lines()
    with pytest.raises(type(error)) as caught:
        await read(pipeline(upstream, Traced("a", []), Traced("b", []), skippable=skippable, log=log))
    assert caught.value is error
    assert log.lines == []
    assert_closed(upstream)


@pytest.mark.parametrize("skippable", [False, True])
async def test_a_refusal_by_a_response_hook_reaches_the_reader(skippable: bool) -> None:
    async def refuses(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        yield await anext(chunks)
        raise Refusal("not this")

    upstream = FakeUpstream(*CHUNKS)
    with pytest.raises(Refusal, match="not this"):
        await read(pipeline(upstream, Answering(refuses), skippable=skippable))
    assert_closed(upstream)


async def test_a_refusal_before_there_is_an_answer_closes_the_reply() -> None:
    def refuses(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        raise Refusal("no")

    upstream = FakeUpstream(*CHUNKS)
    with pytest.raises(Refusal):
        await read(pipeline(upstream, Answering(refuses)))
    assert_closed(upstream)


async def test_a_hook_that_hands_the_chunks_back_stands_in_nobody_s_way() -> None:
    upstream = FakeUpstream(*CHUNKS)
    async with pipeline(upstream, Answering(lambda chunks: chunks)).run(CALL) as answer:
        assert await collect(answer.chunks) == CHUNKS


async def test_the_provider_is_asked_with_the_first_chunk() -> None:
    upstream = FakeUpstream(*CHUNKS)
    async with pipeline(upstream, Traced("a", [])).run(CALL) as answer:
        assert upstream.calls == []
        await anext(answer.chunks)
        assert len(upstream.calls) == 1


async def test_where_no_provider_answers_the_response_hooks_hear_of_it() -> None:
    trace: list[str] = []
    upstream = FakeUpstream(fails=Unavailable("none"))
    with pytest.raises(Unavailable):
        await read(pipeline(upstream, Traced("a", trace)))
    assert trace == ["a asks", "a closes"]


async def test_a_hook_may_answer_where_no_provider_does() -> None:
    async def helps(chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        try:
            async for chunk in chunks:
                yield chunk
        except Unavailable:
            yield piece("of its own")

    upstream = FakeUpstream(fails=Unavailable("none"))
    assert await read(pipeline(upstream, Answering(helps))) == ["of its own"]


class AnsweringItself(Policy):
    async def request(self, call: Call) -> Call:
        return replace(call, answer="no need to ask")

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        raise BUG


async def test_where_a_policy_answers_by_itself_only_those_before_it_see_the_reply() -> None:
    upstream, trace = FakeUpstream(*CHUNKS), list[str]()
    made = pipeline(upstream, Traced("a", trace), AnsweringItself(), Traced("c", trace))
    assert await read(made) == ["no need to aska"]
    assert trace == ["a asks", "a closes"]
    assert upstream.calls == []


async def test_an_answer_of_nothing_is_still_an_answer() -> None:
    class Silent(Policy):
        async def request(self, call: Call) -> Call:
            return replace(call, answer="")

    upstream = FakeUpstream(*CHUNKS)
    assert await read(pipeline(upstream, Silent())) == [""]
    assert upstream.calls == []


async def test_what_is_asked_of_a_pipeline_passes_its_policies_and_is_closed() -> None:
    upstream = FakeUpstream(*CHUNKS)
    call = make_call(stream=True)
    assert await pipeline(upstream, Traced("a", [])).ask(call) == "one atwo athree a"
    assert (upstream.calls[0].stream, upstream.calls[0].learnt) == (False, {"a": True})
    assert call.trail.attempts == 1
    assert_closed(upstream)


async def test_a_question_that_breaks_off_has_no_answer() -> None:
    upstream = FakeUpstream(CHUNKS[0], Unavailable("broke off"))
    with pytest.raises(Unavailable):
        await pipeline(upstream).ask(CALL)
    assert_closed(upstream)

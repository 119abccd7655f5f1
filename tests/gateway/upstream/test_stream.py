from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.contract import Chunk, Unavailable, UpstreamRejected
from gateway.settings.schema import Breaker, HedgeAfter, RouteSeconds, Timeouts
from gateway.upstream.failures import RULES, Failure, Kind
from tests.support.fakes import Source, collect, deployment, make_call, piece
from tests.support.upstream import ANSWER, LONG, World, answers, fails

BREAK = [Kind.CUT, Kind.STALLED, Kind.STREAM_ERROR, Kind.GARBAGE, Kind.RESET, Kind.INTERNAL]
HEAD: dict[str, Any] = {"id": "chatcmpl-1", "created": 7}


def said(*texts: str, ends: Failure | float | None = None, finish: str | None = None, **head: Any) -> Source:
    """A stream of these texts."""
    chunks = [piece(role="assistant"), *map(piece, texts)]
    chunks += [piece(finish=finish)] if finish else []
    with_head = [Chunk({**chunk.data, **head}) for chunk in chunks]
    return Source(*with_head, *([] if ends is None else [ends]))


@pytest.mark.parametrize("kind", BREAK)
async def test_the_next_goes_on_where_one_breaks(kind: Kind) -> None:
    world = World(a=said("one", " two", ends=Failure(kind)), b=said(" three", " four", finish="stop"))
    assert await world.text(stream=True) == "one two three four"
    assert (world.trail.model, world.trail.attempts, world.trail.fallback_reason) == ("b", 2, str(kind))
    assert world.settled() == ["failure" if RULES[kind].counts else "release", "success"]
    (line,) = world.log.of("stream_continued")
    assert (line["broken"], line["deployment"], line["reason"]) == ("a", "b", str(kind))


@pytest.mark.parametrize(
    "second",
    [("one", " two", " three"), ("two", " three"), ("one two three",), (" three",)],
    ids=["restart", "repeat", "restart at once", "exact"],
)
async def test_nothing_stands_twice(second: tuple[str, ...]) -> None:
    world = World(a=said("one", " two", ends=Failure(Kind.CUT)), b=said(*second, finish="stop"))
    assert await world.text(stream=True) == "one two three"


async def test_it_stays_one_answer() -> None:
    """One id, one role, one finish; the model of a chunk is who said it."""
    world = World(
        a=said("one", ends=Failure(Kind.CUT), **HEAD, model="a"),
        b=said(" two", finish="stop", id="chatcmpl-2", created=9, model="b"),
    )
    reply = await world.open(stream=True)
    chunks = [chunk.data for chunk in await collect(reply.chunks)]
    assert {(data["id"], data["created"]) for data in chunks} == {("chatcmpl-1", 7)}
    choices = [choice for data in chunks for choice in data["choices"]]
    assert [choice["delta"].get("role") for choice in choices].count("assistant") == 1
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert [data["model"] for data in chunks] == ["a", "a", "b"]


async def test_it_may_break_more_than_once() -> None:
    cut = Failure(Kind.CUT)
    far, farther = ("".join(f" {letter}{n}" for n in range(80)) for letter in "bc")  # too far for a preface
    world = World(
        a=said("one", ends=cut), b=said(far, ends=cut), c=said(farther, ends=cut), d=said(" at last", finish="stop")
    )
    assert await world.text(stream=True) == f"one{far}{farther} at last"
    assert world.settled() == ["failure"] * 3 + ["success"]


async def test_where_nobody_else_is_left_the_one_that_broke_is_asked() -> None:
    broken = said("one", " two", ends=Failure(Kind.CUT))
    world = World(a=[broken, said("one", " two", " three", finish="stop")], b=fails(Kind.SERVER_ERROR))
    assert await world.text(stream=True) == "one two three"
    assert world.lane.calls == ["a", "b", "b", "a"]


async def test_but_not_where_it_fell_silent() -> None:
    world = World(a=[said("one", ends=Failure(Kind.STALLED)), answers()], b=fails(Kind.SERVER_ERROR))
    error = await world.refused(stream=True)
    assert (error.code, error.retry_after) == ("stream_broken", 1)
    assert world.lane.calls == ["a", "b", "b"]


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.TOO_LONG, Kind.RATE_LIMITED, Kind.BREAKER_OPEN])
async def test_a_refusal_to_go_on_never_reaches_the_caller(kind: Kind) -> None:
    unwilling = fails(kind, message="no assistant at the end, please", status=400)
    world = World(a=said("one", ends=Failure(Kind.CUT)), b=unwilling, c=said(" two", finish="stop"))
    assert await world.text(stream=True) == "one two"
    world = World(a=said("one", ends=Failure(Kind.STALLED)), b=unwilling)
    error = await world.refused(stream=True)
    assert isinstance(error, Unavailable)
    assert "please" not in error.message


@pytest.mark.parametrize("where", ["in mid-stream", "asked to go on"])
async def test_a_policy_s_refusal_is_told_in_the_provider_s_words_and_routed_around_by_nobody(where: str) -> None:
    refusal = Failure(Kind.REFUSED, message="not this", status=400)
    if where == "in mid-stream":
        world = World(a=said("one", ends=refusal), b=answers())
    else:
        world = World(a=said("one", ends=Failure(Kind.CUT)), b=Source(refusal), c=answers())
    error = await world.refused(stream=True)
    assert isinstance(error, UpstreamRejected)
    assert (error.message, error.code) == ("not this", "content_policy_violation")
    assert world.lane.calls == (["a"] if where == "in mid-stream" else ["a", "b"])


async def test_one_that_answers_anew_in_other_words_is_not_listened_to() -> None:
    first = ["the", "lead", "is", "warm", "and", "has", "asked", "for", "a", "quote"]
    anew = ["the", "lead", "is", "warm", "and", "wants", "to", "hear", "more"]
    rest = [" by", " Friday"]
    world = World(
        a=said(*[f" {word}" for word in first], ends=Failure(Kind.CUT)),
        b=said(*[f" {word}" for word in anew], finish="stop"),
        c=said(*rest, finish="stop"),
    )
    assert await world.text(stream=True) == " the lead is warm and has asked for a quote by Friday"
    assert world.settled() == ["failure", "release", "success"]


PREFILLED = pytest.mark.parametrize("prefills", [False, True])


class Sent:
    """What each deployment was sent."""

    def __init__(self, world: World) -> None:
        self.calls: list[tuple[str, list[dict[str, Any]]]] = []
        attempt = world.lane.attempt

        def noted(deployment: Any, call: Any) -> Any:
            self.calls.append((deployment.id, call.params["messages"]))
            return attempt(deployment, call)

        world.lane.attempt = noted  # type: ignore[method-assign]


@PREFILLED
async def test_it_is_asked_as_it_can_be(prefills: bool) -> None:
    deployments = [deployment("a"), deployment("b", prefills=prefills)]
    world = World(
        deployments=deployments,
        a=said("one", " two ", ends=Failure(Kind.CUT)),
        b=said("three", finish="stop"),
    )
    sent = Sent(world)
    assert await world.text(stream=True) == "one two three"
    beginning = "one two" if prefills else "one two "
    assert sent.calls[1][1][:2] == [*sent.calls[0][1], {"role": "assistant", "content": beginning}]
    assert [message["role"] for message in sent.calls[1][1][2:]] == ([] if prefills else ["user"])


async def test_one_that_takes_the_beginning_ill_is_asked_anew() -> None:
    deployments = [deployment("a"), deployment("b", prefills=True)]
    refusal = fails(Kind.REJECTED, message="must end with a user message", status=400)
    world = World(
        deployments=deployments,
        a=said("one", ends=Failure(Kind.CUT)),
        b=[refusal, said("one", " two", finish="stop")],
    )
    sent = Sent(world)
    assert await world.text(stream=True) == "one two"
    assert [(name, messages[-1]["role"]) for name, messages in sent.calls] == [
        ("a", "user"),
        ("b", "assistant"),
        ("b", "user"),
    ]


TOOL = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"a'}}
UNCONTINUED: list[tuple[dict[str, Any], tuple[Chunk, ...]]] = [
    ({}, (piece(tool_calls=[TOOL]),)),
    ({}, (piece("one"), piece(tool_calls=[TOOL]))),
    ({}, (piece(function_call={"name": "look", "arguments": "{"}),)),
    ({}, (piece("one"), piece(refusal="I"))),
    ({"n": 2}, (piece("one"), piece("eins", index=1))),
    ({"response_format": {"type": "json_object"}}, (piece('{"a'),)),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}}, (piece('{"a'),)),
    ({"logprobs": True}, (Chunk({"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": []}}]}),)),
    ({}, (piece("x" * 100_001),)),
]


@pytest.mark.parametrize(("params", "chunks"), UNCONTINUED)
async def test_what_nobody_else_can_go_on_with_is_an_error(params: dict[str, Any], chunks: tuple[Chunk, ...]) -> None:
    if "logprobs" in params:
        chunks[0].data["choices"][0]["logprobs"]["content"].append({"token": "a"})
    world = World(a=Source(*chunks, Failure(Kind.CUT)), b=answers())
    error = await world.refused(stream=True, params={**make_call().params, **params})
    assert (error.code, world.lane.calls, world.settled()) == ("stream_broken", ["a"], ["failure"])


async def test_an_operator_can_have_the_error_instead() -> None:
    world = World(retries={"stream_break": "error"}, a=said("one", ends=Failure(Kind.CUT)), b=answers())
    assert (await world.refused(stream=True)).code == "stream_broken"
    assert world.lane.calls == ["a"]


async def test_where_only_thoughts_were_told_the_next_answers_from_the_beginning() -> None:
    world = World(a=Source(piece(reasoning_content="hm"), Failure(Kind.CUT)), b=answers())
    sent = Sent(world)
    assert await world.text(stream=True) == "Hello there"
    assert sent.calls[0] == ("a", sent.calls[1][1])


async def test_the_attempts_are_those_of_the_request() -> None:
    cut = said("one", ends=Failure(Kind.CUT))
    world = World(retries={"attempts": 3}, a=cut, b=fails(Kind.SERVER_ERROR), c=answers())
    await world.refused(stream=True)
    assert world.lane.calls == ["a", "b", "b"]


async def test_the_deadline_is_that_of_the_request() -> None:
    timeouts = Timeouts(request_seconds=RouteSeconds(v1=0.2, ivy=0.2))
    world = World(timeouts=timeouts, a=said("one", ends=Failure(Kind.CUT)), b=Source(LONG))
    error = await asyncio.wait_for(world.refused(stream=True), LONG / 2)
    assert error.code == "stream_broken"
    assert world.settled() == ["failure", "release"]


async def test_a_caller_who_leaves_a_continuation_ends_it() -> None:
    world = World(a=said("one", ends=Failure(Kind.CUT)), b=said(" and so on" * 20, ends=LONG))
    reply = await world.open(stream=True)
    async for chunk in reply.chunks:
        if "so on" in chunk.text:
            break
    await reply.aclose()
    assert world.settled() == ["failure", "release"]


async def test_a_caller_who_leaves_while_the_next_is_asked_leaves_no_token() -> None:
    world = World(a=said("one", ends=Failure(Kind.CUT)), b=Source(LONG))
    reply = await world.open(stream=True)
    task = asyncio.create_task(collect(reply.chunks))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await reply.aclose()
    assert world.settled() == ["failure", "release"]


async def test_a_hedge_s_loser_can_go_on_with_the_winner_s_answer() -> None:
    """The one that was cancelled has not failed."""
    slow = Source(0.1, piece("one"), Failure(Kind.CUT))
    world = World(
        retries={"hedge_after_ms": HedgeAfter(v1=20)},
        breaker=Breaker(errors=1),
        a=slow,
        b=[Source(LONG), said(" two", finish="stop")],
    )
    assert await asyncio.wait_for(world.text(stream=True), LONG / 2) == "one two"
    assert world.lane.calls == ["a", "b", "b"]
    assert sorted(world.settled()) == ["failure", "release", "success"]


async def test_the_limits_of_the_answer_are_those_of_the_whole() -> None:
    world = World(a=said(*ANSWER[1].text, ends=Failure(Kind.CUT)), b=said("!", finish="length"))
    limits: list[Any] = []
    attempt = world.lane.attempt

    def noted(deployment: Any, call: Any) -> Any:
        limits.append(call.params.get("max_tokens"))
        return attempt(deployment, call)

    world.lane.attempt = noted  # type: ignore[method-assign]
    await world.text(stream=True, params={**make_call().params, "max_tokens": 50})
    assert limits[0] == 50 > limits[1] > 50 - len("Hello")

from __future__ import annotations

import asyncio

import pytest

from gateway.contract import Call, Chunk, RateLimited, Unavailable, UpstreamRejected
from gateway.settings.schema import Breaker, HedgeAfter, RouteSeconds, Timeouts
from gateway.upstream.deployment import TICK, Deployment
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import Source, collect, piece
from tests.support.upstream import ANSWER, BOTH, LONG, USAGE, World, answers, fails


@BOTH
async def test_the_first_choice_answers(stream: bool) -> None:
    world = World(a=answers(), b=answers())
    reply = await world.open(stream=stream)
    assert await collect(reply.chunks) == [*ANSWER, Chunk({"choices": [], "usage": USAGE})]
    assert (world.trail.model, world.trail.attempts, world.trail.fallback_reason) == ("a", 1, None)
    assert (world.lane.calls, world.settled()) == (["a"], ["success"])
    (line,) = world.log.of("model_call")
    expected = {"model_provider": "openai", "deployment": "a", "attempt": 1, "outcome": "ok", "level": "info"}
    assert line.items() >= (expected | USAGE | {"request_id": "req_1"}).items()
    assert line["ms"] >= line["first_token_ms"] >= 0


async def test_a_stream_is_handed_on_when_it_speaks() -> None:
    world = World(a=Source(*ANSWER[:2], LONG, *ANSWER[2:]))
    reply = await asyncio.wait_for(world.open(stream=True), LONG / 2)
    assert [await anext(reply.chunks) for _ in range(2)] == ANSWER[:2]
    await reply.aclose()


async def test_a_plain_reply_is_handed_on_when_it_is_whole() -> None:
    world = World(a=[Source(*ANSWER[:2], Failure(Kind.CUT)), answers()])
    assert await world.text() == "Hello there"
    assert world.settled() == ["failure", "success"]


async def test_a_bug_in_mid_stream_is_an_error_without_its_text() -> None:
    world = World(retries={"attempts": 1}, a=Source(*ANSWER[:2], RuntimeError("what the caller sent")))
    error = await world.refused(stream=True)
    assert error.code == "stream_broken"
    assert "what the caller sent" not in error.message + str(world.log.lines)
    assert world.settled() == ["release"]


@BOTH
async def test_the_request_s_own_deadline_ends_it_and_blames_nobody(stream: bool) -> None:
    timeouts = Timeouts(request_seconds=RouteSeconds(v1=0.1, ivy=0.1))
    world = World(timeouts=timeouts, a=Source(LONG), b=Source(LONG))
    error = await asyncio.wait_for(world.refused(stream=stream), LONG / 2)
    assert isinstance(error, Unavailable)
    assert (world.lane.calls, world.settled(), world.outcomes()) == (["a"], ["release"], ["deadline"])


@BOTH
async def test_a_slow_deployment_leaves_time_for_the_next(stream: bool) -> None:
    timeouts = Timeouts(first_token_seconds=0.05, attempt_seconds=RouteSeconds(v1=0.05, ivy=0.05))
    world = World(timeouts=timeouts, a=Source(LONG), b=answers())
    assert await asyncio.wait_for(world.text(stream=stream), LONG / 2) == "Hello there"
    assert world.settled() == ["failure", "success"]


async def test_all_over_their_limits_is_the_caller_s_429() -> None:
    limited = fails(Kind.RATE_LIMITED, retry_after=9)
    error = await World(a=limited, b=limited).refused()
    assert isinstance(error, RateLimited)
    assert error.retry_after == 9


async def test_open_breakers_say_when_they_close() -> None:
    world = World(breaker=Breaker(errors=1, open_seconds=20), a=fails(Kind.RESET))
    await world.refused()
    error = await world.refused()
    assert error.retry_after is not None and 15 < error.retry_after <= 20


HEDGED = {"hedge_after_ms": HedgeAfter(v1=20)}


@BOTH
async def test_a_silent_first_choice_is_joined_by_the_next(stream: bool) -> None:
    world = World(gathers=True, retries=HEDGED, a=Source(LONG), b=answers())
    assert await asyncio.wait_for(world.text(stream=stream), LONG / 2) == "Hello there"
    assert (world.trail.model, world.trail.attempts, world.trail.fallback_reason) == ("b", 2, "hedged")
    assert world.settled() == ["release", "success"]


@BOTH
async def test_one_that_speaks_in_time_is_left_alone(stream: bool) -> None:
    world = World(gathers=True, retries={"hedge_after_ms": HedgeAfter(v1=60_000)}, a=answers(), b=answers())
    assert await world.text(stream=stream) == "Hello there"
    assert world.lane.calls == ["a"]


async def test_an_answer_that_is_gathered_has_spoken_once_some_of_it_is_there() -> None:
    gathered = Source(TICK, 0.1, piece("all of it", "stop"))
    world = World(gathers=True, retries=HEDGED, a=gathered, b=answers())
    assert await world.text() == "all of it"
    assert world.lane.calls == ["a"]


async def test_what_a_hedge_cancels_says_nothing_of_its_provider() -> None:
    world = World(gathers=True, retries=HEDGED, breaker=Breaker(errors=1), a=Source(LONG), b=answers())
    for _ in range(3):
        await world.text()
    assert world.candidates.breaker("a").state == "closed"


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.REFUSED])
@pytest.mark.parametrize("who", ["first", "second"])
async def test_a_refusal_ends_a_hedge(kind: Kind, who: str) -> None:
    refuses = Source(0.06, Failure(kind, message="not this", status=400))
    other = Source(LONG)
    world = World(
        gathers=True, retries=HEDGED, a=refuses if who == "first" else other, b=other if who == "first" else refuses
    )
    error = await asyncio.wait_for(world.refused(), LONG / 2)
    assert isinstance(error, UpstreamRejected)
    assert (error.message, world.lane.calls) == ("not this", ["a", "b"])
    assert sorted(world.settled()) == ["release", "success"]


async def test_a_hedge_makes_no_more_attempts_than_a_request_has() -> None:
    slow = Source(0.05, Failure(Kind.RESET))
    world = World(gathers=True, retries={**HEDGED, "attempts": 2, "tries": 4}, a=slow, b=slow, c=slow)
    await world.refused()
    assert len(world.lane.calls) == 2
    world.settled()


async def test_one_that_loses_again_and_again_is_asked_last_until_it_is_in_time() -> None:
    world = World(gathers=True, retries=HEDGED, a=Source(LONG), b=answers())
    for _ in range(8):
        assert await world.text() == "Hello there"
        assert world.trail.fallback_reason == "hedged"
    assert world.lane.calls.count("a") == 5  # as many as would open its breaker
    assert world.candidates.breaker("a").state == "closed"


async def test_one_that_is_asked_last_is_asked_where_nobody_else_answers() -> None:
    world = World(
        gathers=True, retries=HEDGED, a=[Source(LONG)] * 5 + [answers()], b=[answers()] * 5 + [fails(Kind.SERVER_ERROR)]
    )
    for _ in range(6):
        assert await world.text() == "Hello there"
    assert world.lane.calls[-3:] == ["b", "b", "a"]


async def test_a_reply_that_comes_as_a_whole_is_not_hedged() -> None:
    """Nobody can tell whether it is under way."""
    world = World(retries=HEDGED, a=Source(0.1, piece("all of it", "stop")), b=answers())
    assert await world.text() == "all of it"
    assert world.lane.calls == ["a"]


async def test_a_request_that_a_lane_chokes_on_is_asked_elsewhere_and_leaves_no_token() -> None:
    world = World(retries={"tries": 1}, a=answers(), b=answers())

    def streams(deployment: Deployment, call: Call) -> bool:
        return 1 / (deployment.id != "a") < 0

    world.lane.streams = streams  # type: ignore[method-assign]
    assert await world.text() == "Hello there"
    assert world.lane.calls == ["b"]
    assert world.candidates.under_way == 0

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.billing import Price
from gateway.contract import Chunk, Operation, Spent, Unavailable
from gateway.settings.schema import Breaker
from gateway.upstream import Reply
from gateway.upstream.deployment import TICK
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import Source, collect, deployment, make_call, piece
from tests.support.upstream import ANSWER, BOTH, LONG, World, answers, fails


@BOTH
async def test_a_lane_s_own_bug_is_a_failed_attempt(stream: bool) -> None:
    world = World(a=Source(RuntimeError("what the caller sent")), b=answers())
    reply = await world.open(stream=stream)
    assert (world.trail.model, world.trail.fallback_reason) == ("b", "gateway_fault")
    await reply.aclose()
    assert world.settled()[0] == "release"
    assert "what the caller sent" not in str(world.log.lines)


@BOTH
@pytest.mark.parametrize(
    "steps",
    [(), (piece(finish="stop"),), (piece(" \n"), piece(finish="stop")), (piece(role="assistant"),)],
    ids=["nothing", "no text", "white space", "a role"],
)
async def test_an_answer_that_says_nothing_is_none(steps: tuple[Chunk, ...], stream: bool) -> None:
    world = World(retries={"tries": 1}, a=Source(*steps), b=answers())
    reply = await world.open(stream=stream)
    assert (world.trail.model, world.trail.fallback_reason) == ("b", "empty_reply")
    await reply.aclose()


@BOTH
async def test_an_empty_answer_that_was_cut_by_a_limit_is_one(stream: bool) -> None:
    world = World(a=Source(piece(finish="length")), b=answers())
    assert await world.text(stream=stream) == ""
    assert world.lane.calls == ["a"]


async def test_an_embedding_is_an_answer_without_text() -> None:
    data = Chunk({"object": "list", "data": [{"embedding": [1.0]}]})
    reply = await World(a=Source(data)).upstream.open(make_call(operation=Operation.EMBEDDING))
    assert await collect(reply.chunks) == [data]


# A token is settled exactly once, and the provider's call closed, however a call ends.


async def read_all(reply: Reply) -> None:
    await collect(reply.chunks)
    await reply.aclose()


async def read_all_and_forget(reply: Reply) -> None:
    await collect(reply.chunks)


async def leave_at_once(reply: Reply) -> None:
    await reply.aclose()
    await reply.aclose()


async def leave_in_the_middle(reply: Reply) -> None:
    await anext(reply.chunks)
    await anext(reply.chunks)
    await reply.aclose()
    await reply.aclose()


async def leave_before_the_rest(reply: Reply) -> None:
    await anext(reply.chunks)
    await reply.aclose()


async def cancelled_in_the_middle(reply: Reply) -> None:
    task = asyncio.create_task(collect(reply.chunks))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await reply.aclose()


ENDINGS = {
    read_all: "success",
    read_all_and_forget: "success",
    leave_at_once: "release",
    leave_in_the_middle: "release",
    leave_before_the_rest: "release",
    cancelled_in_the_middle: "release",
}


@pytest.mark.parametrize(("ending", "how"), ENDINGS.items(), ids=[ending.__name__ for ending in ENDINGS])
async def test_a_stream_s_token_is_settled_once_however_it_is_read(ending: Any, how: str) -> None:
    pause = LONG if ending is cancelled_in_the_middle else 0.0
    world = World(a=Source(*ANSWER[:3], pause, *ANSWER[3:]))
    await ending(await world.open(stream=True))
    assert (world.settled(), world.outcomes()) == ([how], ["ok" if how == "success" else "cancelled"])
    assert world.sources[0].closed == 1


@pytest.mark.parametrize("ending", [read_all, leave_at_once, leave_in_the_middle])
async def test_a_plain_reply_s_token_is_settled_when_it_is_whole(ending: Any) -> None:
    world = World(a=answers())
    await ending(await world.open())
    assert (world.settled(), world.outcomes()) == (["success"], ["ok"])
    assert world.sources[0].closed == 1


@BOTH
@pytest.mark.parametrize("steps", [(LONG,), (piece(role="assistant"), LONG)])
async def test_a_caller_who_leaves_before_the_first_token_says_nothing_of_the_provider(
    steps: tuple[Any, ...], stream: bool
) -> None:
    world = World(a=Source(*steps), b=answers())
    task = asyncio.create_task(world.text(stream=stream))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (world.lane.calls, world.settled(), world.outcomes()) == (["a"], ["release"], ["cancelled"])
    assert world.sources[0].closed == 1


async def test_a_caller_who_leaves_between_two_tries_leaves_no_token() -> None:
    world = World(retries={"backoff_seconds": 10}, a=fails(Kind.RESET))
    task = asyncio.create_task(world.text())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises((asyncio.CancelledError, Unavailable)):
        await task
    assert set(world.settled()) == {"failure"}


async def test_a_probe_has_found_the_provider_well_as_soon_as_it_speaks() -> None:
    """Its caller may read for minutes, or leave; nobody else should wait for that."""
    world = World(breaker=Breaker(errors=1, open_seconds=0.01), a=[fails(Kind.RESET), answers()])
    await world.refused()
    await asyncio.sleep(0.02)
    reply = await world.open(stream=True)
    assert world.candidates.breaker("a").state == "closed"
    await leave_in_the_middle(reply)
    assert world.candidates.breaker("a").state == "closed"


async def test_a_probe_that_breaks_after_it_spoke_is_an_error_like_any_other() -> None:
    breaks = Source(*ANSWER[:2], Failure(Kind.CUT))
    world = World(breaker=Breaker(errors=1, open_seconds=0.01), a=[fails(Kind.RESET), breaks])
    await world.refused()
    await asyncio.sleep(0.02)
    reply = await world.open(stream=True)
    with pytest.raises(Unavailable):
        [chunk async for chunk in reply.chunks]
    assert world.candidates.breaker("a").state == "open"


async def test_a_provider_s_words_stay_out_of_the_log() -> None:
    world = World(a=fails(Kind.SERVER_ERROR, message="you sent: my prompt", status=500), b=answers())
    await world.text()
    assert "my prompt" not in str(world.log.lines)
    assert world.log.of("model_call")[0]["status"] == 500


PRICED = deployment("a", price=Price(input_token=1.0, output_token=10.0))


@BOTH
async def test_an_attempt_is_billed_as_what_its_provider_counted(stream: bool) -> None:
    world = World(deployments=[PRICED], a=answers())
    await world.text(stream=stream)
    assert world.trail.spent == [Spent("a", 3, 0, 5, 53.0)]
    (line,) = world.log.of("model_call")
    assert (line["prompt_tokens"], line["completion_tokens"], line["cost_usd"]) == (3, 5, 53.0)
    assert line["estimated"] is None


@pytest.mark.parametrize("ending", [leave_at_once, leave_in_the_middle, cancelled_in_the_middle])
async def test_a_stream_that_is_left_is_billed_by_an_estimate_once(ending: Any) -> None:
    world = World(deployments=[PRICED], a=Source(*ANSWER[:3], LONG))
    await ending(await world.open(stream=True))
    (spent,) = world.trail.spent
    assert (spent.model, spent.estimated, spent.prompt_tokens > 0) == ("a", True, True)
    assert spent.cost_usd is not None and spent.cost_usd > 0


async def test_each_attempt_of_a_request_is_billed() -> None:
    world = World(a=Source(*ANSWER[:2], Failure(Kind.CUT)), b=answers())
    await world.text(stream=True)
    assert [(spent.model, spent.estimated) for spent in world.trail.spent] == [("a", True), ("b", False)]


@BOTH
@pytest.mark.parametrize("kind", [Kind.CONNECT, Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.REJECTED, Kind.BAD_KEY])
async def test_an_attempt_that_was_refused_or_never_connected_costs_nothing(kind: Kind, stream: bool) -> None:
    world = World(retries={"tries": 1}, a=fails(kind))
    await world.refused(stream=stream)
    assert world.trail.spent == []
    assert "prompt_tokens" not in world.log.of("model_call")[0]


async def test_a_reply_that_is_gathered_and_left_is_billed_by_its_signs_of_life() -> None:
    world = World(gathers=True, a=Source(TICK, TICK, TICK, LONG))
    task = asyncio.create_task(world.text())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (spent,) = world.trail.spent
    assert (spent.estimated, spent.completion_tokens > 0) == (True, True)

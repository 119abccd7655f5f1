from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.contract import Chunk, GatewayError, Operation, RateLimited, Unavailable, UpstreamRejected
from gateway.settings.schema import Breaker, Retries, RouteSeconds, Timeouts
from gateway.upstream import Reply, Upstream
from gateway.upstream.candidates import Candidates
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import RULES, Failure, Kind
from tests.support.asgi import Lines
from tests.support.fakes import CountingBreaker, FakeLane, FakePicker, Source, collect, deployment, make_call, piece

PLAIN, STREAM = make_call(), make_call(stream=True)
LONG = 30.0
USAGE = {"prompt_tokens": 3, "completion_tokens": 5}
ANSWER = [piece(role="assistant"), piece("Hello"), piece(" there"), piece(finish="stop")]
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def answers() -> Source:
    return Source(*ANSWER, Chunk({"choices": [], "usage": USAGE}))


def fails(kind: Kind, **more: Any) -> Source:
    return Source(Failure(kind, **more))


class World:
    """An upstream over fake lanes, with its breakers and its log."""

    def __init__(
        self,
        *,
        deployments: Sequence[Deployment] = (),
        timeouts: Timeouts | None = None,
        retries: dict[str, Any] | None = None,
        breaker: Breaker | None = None,
        **scripts: Sequence[Source] | Source,
    ) -> None:
        listed = {name: [one] if isinstance(one, Source) else list(one) for name, one in scripts.items()}
        self.sources = [source for sources in listed.values() for source in sources]
        self.lane = FakeLane(**listed)
        self.log = Lines()
        chain = tuple(dict.fromkeys(d.group for d in deployments)) or tuple(scripts)
        settings = breaker or Breaker()
        self.candidates = Candidates(
            lambda model, operation: chain,
            FakePicker(deployments or [deployment(name) for name in scripts]),
            {"lean": self.lane, "litellm": self.lane},
            lambda name: CountingBreaker(name, settings),
            set_aside_seconds=300,
        )
        chosen = Retries(**{"backoff_seconds": 0, **(retries or {})})
        self.upstream = Upstream(self.candidates, timeouts or Timeouts(), chosen, self.log)

    async def open(self, *, stream: bool = False) -> Reply:
        call = make_call(stream=stream)
        self.trail = call.trail
        return await self.upstream.open(call)

    async def text(self, *, stream: bool = False) -> str:
        reply = await self.open(stream=stream)
        try:
            return "".join(chunk.text for chunk in await collect(reply.chunks))
        finally:
            await reply.aclose()

    async def refused(self, *, stream: bool = False) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await self.text(stream=stream)
        return caught.value

    def settled(self) -> list[str]:
        """How the tokens were settled; each must have been, once."""
        found: list[str] = []
        for breaker in self.candidates.breakers.values():
            assert isinstance(breaker, CountingBreaker)
            assert len(breaker.settled) == breaker.given
            found += breaker.settled
        assert all(source.closed == source.begun for source in self.sources)
        return found

    def outcomes(self) -> list[str]:
        return [line["outcome"] for line in self.log.of("model_call")]


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


RETRIED = [kind for kind in Kind if RULES[kind].retry]
PASSED_ON = [kind for kind in Kind if RULES[kind].fall_over and not RULES[kind].retry]


@BOTH
@pytest.mark.parametrize("kind", RETRIED)
async def test_where_a_second_try_can_help_there_is_one(kind: Kind, stream: bool) -> None:
    world = World(a=[fails(kind), answers()], b=answers())
    reply = await world.open(stream=stream)
    assert (world.trail.model, world.trail.attempts, world.trail.fallback_reason) == ("a", 2, None)
    await reply.aclose()
    assert world.lane.calls == ["a", "a"]
    assert world.settled()[0] == ("failure" if RULES[kind].counts else "release")


@BOTH
@pytest.mark.parametrize("kind", PASSED_ON)
async def test_where_it_can_t_the_next_is_asked_at_once(kind: Kind, stream: bool) -> None:
    world = World(a=fails(kind), b=answers())
    reply = await world.open(stream=stream)
    assert (world.trail.model, world.trail.attempts, world.trail.fallback_reason) == ("b", 2, str(kind))
    assert await collect(reply.chunks)
    assert world.lane.calls == ["a", "b"]
    how = "failure" if RULES[kind].counts else "success" if kind is Kind.TOO_LONG else "release"
    assert world.settled() == [how, "success"]


@BOTH
async def test_when_the_tries_are_used_up_the_next_is_asked(stream: bool) -> None:
    world = World(a=fails(Kind.RESET), b=answers())
    assert await world.text(stream=stream) == "Hello there"
    assert world.lane.calls == ["a", "a", "b"]


@BOTH
@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.REFUSED])
async def test_a_request_that_is_found_wrong_is_not_sent_to_another(kind: Kind, stream: bool) -> None:
    world = World(a=fails(kind, message="mend this", status=400), b=answers())
    error = await world.refused(stream=stream)
    assert isinstance(error, UpstreamRejected)
    assert (error.message, world.lane.calls, world.settled()) == ("mend this", ["a"], ["success"])


@pytest.mark.parametrize("attempts", range(1, 9))
async def test_there_are_never_more_calls_than_attempts(attempts: int) -> None:
    down = fails(Kind.RESET)
    world = World(retries={"tries": 3, "attempts": attempts}, a=down, b=down, c=down, d=down)
    assert isinstance(await world.refused(), Unavailable)
    assert world.lane.calls == list("aaabbbcccddd"[:attempts])
    assert world.settled() == ["failure"] * attempts


async def test_what_is_barred_is_no_attempt_but_a_reason() -> None:
    world = World(deployments=[deployment("a", unusable="A_KEY is not set"), deployment("b")], a=answers(), b=answers())
    await world.open()
    assert (world.trail.model, world.trail.attempts, world.trail.fallback_reason) == ("b", 1, "no_provider_key")
    assert world.lane.calls == ["b"]


async def test_the_reason_is_why_the_first_choice_did_not_answer() -> None:
    world = World(a=fails(Kind.RATE_LIMITED), b=fails(Kind.SILENT), c=answers())
    await world.open()
    assert (world.trail.attempts, world.trail.fallback_reason) == (3, "rate_limited")


async def test_an_open_breaker_is_not_called() -> None:
    world = World(breaker=Breaker(errors=2), a=fails(Kind.RESET), b=answers())
    assert await world.text() == "Hello there"
    assert await world.text() == "Hello there"
    assert world.lane.calls == ["a", "a", "b", "b"]
    assert world.candidates.breaker("a").state == "open"


async def test_a_breaker_that_opens_between_two_tries_ends_them() -> None:
    world = World(breaker=Breaker(errors=1), a=fails(Kind.RESET), b=answers())
    assert await world.text() == "Hello there"
    assert world.lane.calls == ["a", "b"]


@pytest.mark.parametrize("kind", [kind for kind in Kind if RULES[kind].set_aside])
async def test_a_deployment_that_an_operator_must_mend_is_called_once_and_alarms(kind: Kind) -> None:
    where = deployment("a", where="litellm.yaml:7")
    world = World(deployments=[where, deployment("b")], a=fails(kind, status=404), b=answers())
    for _ in range(5):
        assert await world.text() == "Hello there"
    assert world.lane.calls == ["a", "b", "b", "b", "b", "b"]
    alarm = world.log.of("model_call")[0]
    assert alarm["level"] == "error"
    assert "litellm.yaml:7" in alarm["advice"]


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


async def test_a_stream_is_handed_on_when_it_speaks() -> None:
    world = World(a=Source(*ANSWER[:2], LONG, *ANSWER[2:]))
    reply = await asyncio.wait_for(world.open(stream=True), LONG / 2)
    assert [await anext(reply.chunks) for _ in range(2)] == ANSWER[:2]
    await reply.aclose()


async def test_a_plain_reply_is_handed_on_when_it_is_whole() -> None:
    world = World(a=[Source(*ANSWER[:2], Failure(Kind.CUT)), answers()])
    assert await world.text() == "Hello there"
    assert world.settled() == ["failure", "success"]


async def test_a_stream_that_breaks_after_it_spoke_is_an_error_and_not_asked_again() -> None:
    world = World(a=Source(*ANSWER[:2], Failure(Kind.CUT)), b=answers())
    reply = await world.open(stream=True)
    with pytest.raises(Unavailable) as caught:
        await collect(reply.chunks)
    assert (caught.value.code, caught.value.retry_after) == ("stream_broken", 1)
    assert (world.lane.calls, world.settled(), world.outcomes()) == (["a"], ["failure"], ["cut"])


async def test_a_bug_in_mid_stream_is_an_error_without_its_text() -> None:
    world = World(a=Source(*ANSWER[:2], RuntimeError("what the caller sent")))
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


async def test_no_try_begins_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.attempts.random.uniform", lambda least, most: most)
    timeouts = Timeouts(request_seconds=RouteSeconds(v1=0.1, ivy=0.1))
    world = World(timeouts=timeouts, retries={"backoff_seconds": 10}, a=fails(Kind.RESET))
    await world.refused()
    assert world.lane.calls == ["a"]


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

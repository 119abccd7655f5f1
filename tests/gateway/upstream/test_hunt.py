from __future__ import annotations

import pytest

from gateway.contract import Unavailable, UpstreamRejected
from gateway.settings.schema import Breaker, RouteSeconds, Timeouts
from gateway.upstream.failures import RULES, Kind, Retry
from tests.support.fakes import collect, deployment
from tests.support.upstream import BOTH, World, answers, fails

RETRIED = [kind for kind in Kind if RULES[kind].retry is not Retry.NEVER]
PASSED_ON = [kind for kind in Kind if RULES[kind].fall_over and RULES[kind].retry is Retry.NEVER]


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
    world = World(a=fails(Kind.SLOW), b=fails(Kind.SILENT), c=answers())
    await world.open()
    assert (world.trail.attempts, world.trail.fallback_reason) == (3, "attempt_timeout")


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


async def test_no_try_begins_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.pauses.random.uniform", lambda least, most: most)
    timeouts = Timeouts(request_seconds=RouteSeconds(v1=0.1, ivy=0.1))
    world = World(timeouts=timeouts, retries={"backoff_seconds": 10}, a=fails(Kind.RESET))
    await world.refused()
    assert world.lane.calls == ["a"]

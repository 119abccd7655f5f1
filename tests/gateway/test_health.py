from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from gateway.breaker import Breaker
from gateway.contract import GatewayError, Owner, Turn, Unavailable
from gateway.engine import Engine
from gateway.health import Health
from gateway.limits import Admission
from gateway.pipeline import Pipeline
from gateway.settings.schema import GatewayConfig
from gateway.tally import Tally
from gateway.upstream.candidates import Candidates
from gateway.upstream.failures import Failure, Kind
from tests.support.asgi import Lines, scope
from tests.support.fakes import Clock, FakeLane, FakePicker, FakeUpstream, Source, deployment, make_call, piece
from tests.support.policies import FakeMemory

REQUEST = Request(scope("GET", "/"))
DEPLOYMENTS = (deployment("a"), deployment("b", unusable="B_API_KEY is not set"), deployment("embedder"))


def engine(clock: Clock, deployments: Any = DEPLOYMENTS) -> Engine:
    chain = tuple(d.group for d in deployments if d.group != "embedder")
    plan = SimpleNamespace(deployments=deployments, primary="a", fallback="b", chains={"default": chain})
    config = GatewayConfig()
    candidates = Candidates(
        lambda model, operation: chain if model == "default" else (model,),
        FakePicker(deployments),
        {"lean": FakeLane(a=[Source(piece("x"))])},
        lambda name: Breaker(name, config.breaker, clock=clock),
        set_aside_seconds=300,
        clock=clock,
    )
    return Engine(
        settings=cast(Any, SimpleNamespace(gateway=config)),
        plan=cast(Any, plan),
        admission=Admission(config.limits),
        candidates=candidates,
        pipeline=Pipeline((), FakeUpstream(), Lines()),
        local=None,
        memory=FakeMemory(),
        kept=cast(Any, None),
        knowledge=cast(Any, None),
        started=0,
    )


def health(made: Engine, *, draining: bool = False) -> Health:
    return Health(lambda: made, lambda: draining, Tally())


async def report(made: Engine) -> dict[str, Any]:
    response = await health(made).assistant(REQUEST)
    body: dict[str, Any] = json.loads(bytes(response.body))
    return body


async def end(made: Engine, model: str, error: Failure, times: int = 1) -> None:
    """Let calls to a model end with an error."""
    for _ in range(times):
        candidate = await made.candidates.route(make_call(model=model)).next()
        assert candidate is not None
        candidate.settle(error)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_process_that_leaves_is_alive_but_not_ready(clock: Clock) -> None:
    leaving = health(engine(clock), draining=True)
    assert (await leaving.live(REQUEST)).status_code == 200
    response = await leaving.ready(REQUEST)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


async def test_a_warm_process_is_ready(clock: Clock) -> None:
    assert (await health(engine(clock)).ready(REQUEST)).status_code == 200


async def test_a_process_without_an_engine_is_not_ready() -> None:
    def none() -> Engine:
        raise Unavailable("starting", retry_after=2)

    try:
        status = (await Health(none, lambda: False, Tally()).ready(REQUEST)).status_code
    except GatewayError as error:
        status = error.status
    assert status == 503


async def test_all_is_well(clock: Clock) -> None:
    body = await report(engine(clock, (deployment("a"), deployment("b"))))
    assert (body["status"], body["reasons"]) == ("ok", [])
    assert (body["primary"], body["fallback"], body["local_model"]) == ("a", "b", None)
    assert [d["breaker"] for d in body["deployments"]] == ["closed", "closed"]
    assert body["limits"] == {"per_minute": 60, "burst": 10, "burst_seconds": 10}


async def test_a_deployment_without_a_key_degrades_the_assistant(clock: Clock) -> None:
    body = await report(engine(clock))
    assert (body["status"], body["reasons"]) == ("degraded", ["b: B_API_KEY is not set"])


async def test_an_open_breaker_is_told_with_its_errors_and_its_time(clock: Clock) -> None:
    made = engine(clock)
    await end(made, "a", Failure(Kind.SERVER_ERROR), times=5)
    clock.advance(10)
    body = await report(made)
    told = body["deployments"][0]
    assert (told["breaker"], told["breaker_errors"], told["breaker_seconds_left"]) == ("open", 5, 5)
    assert "a: breaker open" in body["reasons"]


async def test_a_deployment_set_aside_is_told_with_its_reason_while_it_lasts(clock: Clock) -> None:
    made = engine(clock)
    await end(made, "a", Failure(Kind.BAD_KEY))
    assert (await report(made))["deployments"][0]["reason"] == "provider_key_refused"
    clock.advance(300)
    assert (await report(made))["deployments"][0]["reason"] is None


async def test_a_model_that_the_assistant_does_not_use_does_not_degrade_it(clock: Clock) -> None:
    made = engine(clock, (deployment("a"), deployment("embedder")))
    await end(made, "embedder", Failure(Kind.MODEL_GONE))
    body = await report(made)
    assert body["status"] == "ok"
    assert body["deployments"][1]["reason"] == "model_not_found"
    assert body["deployments"][1]["serves_assistant"] is False


async def test_flags_memory_and_what_replies_were_are_told(clock: Clock) -> None:
    made = engine(clock)
    await made.memory.remember(Owner("", "ann"), "c1", Turn("a", "b"), 1)
    found = await report(made)
    assert found["flags"] == {"modal_heuristics": True, "organic_enabled": True, "v2_percent": 100}
    assert found["memory"]["conversations"] == 1
    assert set(found["memory"]) == {"bytes", "max_bytes", "conversations"}
    assert found["replies"]["modal"] == 0


async def test_what_has_not_ended_is_told(clock: Clock) -> None:
    made = engine(clock)
    open_calls = [await made.candidates.route(make_call(model="a")).next() for _ in range(2)]
    assert (await report(made))["under_way"] == {"provider_calls": 2, "probes": 0, "tasks": 1}
    for candidate in open_calls:
        assert candidate is not None
        candidate.settle(None)
        candidate.settle(None)
    assert (await report(made))["under_way"]["provider_calls"] == 0

from __future__ import annotations

import asyncio
import datetime
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope

from gateway.contract import (
    Call,
    Chunk,
    GatewayError,
    Identity,
    InvalidRequest,
    Policy,
    RateLimited,
    Refusal,
    Spent,
    Unavailable,
)
from gateway.engine import Engine
from gateway.http.access import CallerLeft
from gateway.http.endpoint import ModelEndpoint
from gateway.http.openai import render_chat
from gateway.limits import Admission
from gateway.pipeline import Pipeline, Step
from gateway.settings.keys import Key
from gateway.settings.schema import GatewayConfig, Limits, Server
from gateway.tokens import TokenLimits
from gateway.usage import Ledger, Row
from tests.support.asgi import LEFT, Lines, Sent, receiving, scope
from tests.support.fakes import FakeUpstream, make_call, piece

ANN = Identity("127.0.0.1", "ann@example.com", "acme")
HELLO = piece("Hello", "stop")


class Route:
    """An endpoint over a fake upstream; the body's ``stream`` and ``bad`` steer it."""

    def __init__(self, upstream: FakeUpstream, *policies: Policy, per_minute: int = 60) -> None:
        self.upstream = upstream
        steps = [Step(type(policy).__name__, policy) for policy in policies]
        settings = GatewayConfig()
        self.engine: Any = SimpleNamespace(
            settings=SimpleNamespace(gateway=settings),
            admission=Admission(Limits(per_minute=per_minute)),
            plan=SimpleNamespace(chain=lambda model, operation: ("m1",), deployments=()),
            tokens=TokenLimits(),
            usage=Ledger(),
            pipeline=Pipeline(steps, upstream, Lines()),
        )
        self.sent = Sent()
        self.scope = scope(headers={"content-type": "application/json"}, request_id="req_1", identity=ANN)

    def parse(self, engine: Engine, scope: Scope, body: dict[str, Any], identity: Identity) -> Call:
        if body.get("bad"):
            raise InvalidRequest("bad", param="bad")
        return make_call(request_id=scope["request_id"], identity=identity, stream=bool(body.get("stream")))

    async def call(self, body: dict[str, Any] | None = None, receive: Receive | None = None) -> Sent:
        endpoint = ModelEndpoint(lambda: cast(Engine, self.engine), self.parse, render_chat)
        sent = json.dumps(body or {}).encode()
        await endpoint({**self.scope} if not receive else self.scope, receive or receiving(sent), self.sent)
        return self.sent

    async def logged(self, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the endpoint gives to the request's line in the log."""
        await self.call(receive=receiving(json.dumps(body or {}).encode()))
        found: dict[str, Any] = self.scope["log"]
        return found

    def rows(self) -> list[Row]:
        """What was written down of its requests."""
        return list(self.engine.usage.rows(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_says_who_gave_it_and_what_is_left(stream: bool) -> None:
    sent = await Route(FakeUpstream(HELLO)).call({"stream": stream})
    assert (sent.status, b"Hello" in sent.body) == (200, True)
    assert (sent.headers["x-ivy-model"], sent.headers["x-ivy-attempts"]) == ("m1", "1")
    assert "x-ivy-fallback-reason" not in sent.headers
    assert (sent.headers["x-ratelimit-limit"], sent.headers["x-ratelimit-remaining"]) == ("60", "59")
    assert int(sent.headers["x-ratelimit-reset"]) > 0


async def test_a_fallback_says_why() -> None:
    upstream = FakeUpstream(HELLO, model="m2", attempts=3, fallback_reason="server_error")
    route = Route(upstream)
    log = await route.logged()
    assert route.sent.headers["x-ivy-fallback-reason"] == "server_error"
    assert log.items() >= {"model": "m2", "attempts": 3, "fallback_reason": "server_error"}.items()


async def test_the_line_has_the_call_and_no_e_mail_address() -> None:
    log = await Route(FakeUpstream(HELLO)).logged({"stream": True})
    assert log == {
        "surface": "v1",
        "operation": "chat",
        "stream": True,
        "user": "[email]",
        "org": "acme",
        "model": "m1",
        "attempts": 1,
    }


async def test_a_caller_over_the_limit_never_reaches_a_provider() -> None:
    route = Route(FakeUpstream(HELLO), per_minute=1)
    await route.call()
    with pytest.raises(RateLimited):
        await route.call()
    assert len(route.upstream.calls) == 1


async def test_a_request_that_is_not_understood_costs_nothing() -> None:
    route = Route(FakeUpstream(HELLO), per_minute=1)
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            await route.call({"bad": True})
    assert (await route.call()).status == 200


class Refusing(Policy):
    async def request(self, call: Call) -> Call:
        raise Refusal("not here")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_leaves_the_reply_to_others(stream: bool) -> None:
    route = Route(FakeUpstream(HELLO), Refusing())
    with pytest.raises(Refusal):
        await route.call({"stream": stream})
    assert (route.upstream.calls, route.sent.messages) == ([], [])


async def test_an_error_after_admission_says_what_is_left_too() -> None:
    with pytest.raises(GatewayError) as caught:
        await Route(FakeUpstream(fails=Unavailable("down"))).call()
    assert "X-RateLimit-Remaining" in caught.value.headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("steps", [(30.0,), (piece("a"), 30.0)])
async def test_a_caller_who_leaves_ends_the_provider_s_call(steps: tuple[Chunk | float, ...], stream: bool) -> None:
    route = Route(FakeUpstream(*steps))
    body = json.dumps({"stream": stream}).encode()
    with pytest.raises(CallerLeft):
        await asyncio.wait_for(route.call(receive=receiving(body, LEFT)), 15)
    assert route.upstream.closed >= 1
    assert route.upstream.source.closed == route.upstream.source.begun
    assert route.scope["log"]["model"] == "m1"


async def test_a_stream_that_breaks_closes_the_provider_s_call() -> None:
    route = Route(FakeUpstream(piece("a"), Unavailable("broke off", code="stream_broken")))
    with pytest.raises(Unavailable):
        await route.call({"stream": True})
    assert b"stream_broken" in route.sent.body
    assert (route.upstream.source.closed, route.upstream.closed >= 1) == (1, True)


async def test_a_request_runs_on_the_engine_that_it_began_with() -> None:
    old, new = Route(FakeUpstream(HELLO)), Route(FakeUpstream(HELLO))
    engines = [old.engine, new.engine]
    endpoint = ModelEndpoint(lambda: engines.pop(0), old.parse, render_chat)
    await endpoint(old.scope, receiving(b"{}"), Sent())
    assert (len(old.upstream.calls), len(new.upstream.calls), len(engines)) == (1, 0, 1)


CRM = Key(name="crm", hash=f"sha256:{'0' * 64}", requests_per_minute=10, tokens_per_minute=6000)
SPENT = Spent("m1", 1000, 0, 500, 0.25)


class Spending(Policy):
    """Stands for providers that are paid."""

    async def request(self, call: Call) -> Call:
        call.trail.spent.append(SPENT)
        return call


def keyed(*policies: Policy, upstream: FakeUpstream | None = None) -> Route:
    route = Route(upstream or FakeUpstream(HELLO), Spending(), *policies)
    route.scope["key"] = CRM
    return route


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_s_limits_are_told_and_what_was_used_is_settled(stream: bool) -> None:
    route = keyed()
    sent = await route.call({"stream": stream})
    assert (sent.headers["x-ratelimit-limit-requests"], sent.headers["x-ratelimit-remaining-requests"]) == ("10", "9")
    assert sent.headers["x-ratelimit-limit-tokens"] == "6000"
    assert 0 < int(sent.headers["x-ratelimit-remaining-tokens"]) < 6000 - 4096
    after = route.engine.tokens.reserve(CRM, make_call(), lambda: 100)
    assert 4000 < int(after.headers()["x-ratelimit-remaining-tokens"]) < 4500
    (row,) = route.rows()
    assert (row.key, row.model, row.requests, row.failed, row.prompt_tokens, row.cost_usd) == (
        "crm",
        "m1",
        1,
        0,
        1000,
        0.25,
    )


async def test_tokens_that_do_not_suffice_are_refused_before_a_provider_is_asked() -> None:
    route = keyed()
    held = route.engine.tokens.reserve(CRM, make_call(), lambda: 4000)
    with pytest.raises(RateLimited) as caught:
        await route.call()
    assert route.upstream.calls == []
    assert caught.value.headers.keys() >= {
        "X-RateLimit-Limit",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
    }
    held.settle(0)


@pytest.mark.parametrize(
    ("upstream", "error"),
    [
        (FakeUpstream(fails=Unavailable("down")), Unavailable),
        (FakeUpstream(piece("a"), Unavailable("broke off")), Unavailable),
        (FakeUpstream(RuntimeError("a bug")), RuntimeError),
    ],
    ids=["none answers", "it breaks", "a bug"],
)
async def test_a_request_that_fails_is_settled_and_counts_as_failed(
    upstream: FakeUpstream, error: type[Exception]
) -> None:
    route = keyed(upstream=upstream)
    with pytest.raises(error):
        await route.call({"stream": True})
    (row,) = route.rows()
    assert (row.requests, row.failed, row.completion_tokens) == (1, 1, 500)
    again = route.engine.tokens.reserve(CRM, make_call(), lambda: 4000)  # of 6,000 less the 1,500 that were used
    assert int(again.headers()["x-ratelimit-remaining-tokens"]) < 500


async def test_a_caller_who_leaves_is_settled_and_did_not_fail() -> None:
    route = keyed(upstream=FakeUpstream(piece("a"), 30.0))
    with pytest.raises(CallerLeft):
        await asyncio.wait_for(route.call(receive=receiving(b'{"stream": true}', LEFT)), 15)
    (row,) = route.rows()
    assert (row.requests, row.failed, row.prompt_tokens) == (1, 0, 1000)
    route.engine.tokens.reserve(CRM, make_call(), lambda: 4000)


async def test_the_line_has_the_key_and_what_was_used_together() -> None:
    route = keyed(Spending())
    route.scope["log"] = {"key": "crm"}
    log = await route.logged()
    expected = {"key": "crm", "surface": "v1", "prompt_tokens": 2000, "completion_tokens": 1000, "cost_usd": 0.5}
    assert log.items() >= expected.items()


async def test_a_wrong_header_is_told_before_the_request_counts() -> None:
    route = Route(FakeUpstream(HELLO), per_minute=1)
    route.scope["headers"].append((b"x-ivy-timeout", b"soon"))
    with pytest.raises(InvalidRequest):
        await route.call()
    assert route.rows() == []
    del route.scope["headers"][-1]
    assert (await route.call()).status == 200


async def test_a_route_may_read_its_body_in_its_own_way() -> None:
    route = Route(FakeUpstream(HELLO))

    async def read(scope: Scope, receive: Receive, server: Server) -> dict[str, Any]:
        return {"bad": True}

    endpoint = ModelEndpoint(lambda: cast(Engine, route.engine), route.parse, render_chat, read=read)
    with pytest.raises(InvalidRequest):
        await endpoint(route.scope, receiving(), Sent())

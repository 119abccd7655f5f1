from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.contract import Call
from gateway.lanes import gemini_plain
from gateway.lanes.catalog import RouterPicker
from gateway.lanes.gemini_wire import GeminiWire
from gateway.lanes.openai_wire import OpenAIWire
from gateway.lanes.transport import Request
from gateway.lanes.warmup import GEMINI_REPLY, warm_up
from gateway.lanes.wire import Wire
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from tests.support.configuration import MODELS, Configuration


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail(f"looked up {args[0]}"))


class Seen(OpenAIWire):
    """Remembers which deployments were translated for."""

    def __init__(self, failure: Failure | None = None) -> None:
        super().__init__(drop_params=True)
        self.groups: list[str] = []
        self._failure = failure

    def request(self, deployment: Deployment, call: Call) -> Request:
        self.groups.append(deployment.group)
        if self._failure:
            raise self._failure
        return super().request(deployment, call)


def wires(openai: Wire) -> Mapping[str, Wire]:
    return {"openai": openai, "gemini": GeminiWire(drop_params=True)}


async def test_every_chat_model_that_can_be_called_is_warmed_up_without_a_network(
    configuration: Configuration,
) -> None:
    plan = configuration.plan()
    seen = Seen()
    await warm_up(plan, RouterPicker(plan).router, wires(seen))
    assert seen.groups == ["mini"]


async def test_what_can_t_be_called_is_left_cold(configuration: Configuration) -> None:
    plan = configuration.plan(keys=False)
    seen = Seen()
    await warm_up(plan, None, wires(seen))
    assert seen.groups == []


async def test_a_failure_does_not_keep_the_gateway_from_starting(configuration: Configuration) -> None:
    plan = configuration.plan()
    seen = Seen(Failure(Kind.UNSUPPORTED))
    await warm_up(plan, RouterPicker(plan).router, wires(seen))
    assert seen.groups == ["mini"]


async def test_litellm_s_lane_is_answered_by_a_mock(configuration: Configuration) -> None:
    plan = configuration.plan(MODELS, gateway="upstream: {lane: litellm}")
    called: list[tuple[str, Any]] = []

    class Router:
        async def acompletion(self, **kwargs: Any) -> Any:
            called.append((kwargs["model"], kwargs["mock_response"]))
            raise RuntimeError("what can't be warmed up says so when it is called")

    await warm_up(plan, Router(), wires(Seen()))
    assert called == [("flash", "."), ("mini", ".")]
    await warm_up(plan, RouterPicker(plan).router, wires(Seen()))


def test_the_gemini_reply_is_one_that_litellm_translates() -> None:
    assert gemini_plain.said({**GEMINI_REPLY}) is None

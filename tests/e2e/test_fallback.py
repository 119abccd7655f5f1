"""When the primary fails in each of the double's ways before the first token, the fallback answers and says why."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
#: Each fault that comes before the first token, and the reasons that may be given for it: what a lane can see
#: of a fault differs, and a plain reply has no first token.
FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"kind": "status", "status": 500}, {"server_error"}),
    ({"kind": "status", "status": 503}, {"overloaded", "server_error"}),
    ({"kind": "status", "status": 429, "retry_after": 7}, {"rate_limited"}),
    ({"kind": "status", "status": 408}, {"overloaded", "attempt_timeout"}),
    ({"kind": "reset"}, {"connection_lost", "connect_failed"}),
    ({"kind": "close"}, {"connection_lost", "connect_failed"}),
    ({"kind": "silence"}, {"first_token_timeout", "attempt_timeout"}),
    ({"kind": "headers_then_silence"}, {"first_token_timeout", "attempt_timeout"}),
    ({"kind": "slow_first_token", "seconds": 5}, {"first_token_timeout", "attempt_timeout"}),
    ({"kind": "cut", "after_chunks": 0}, {"connection_lost", "cut", "unreadable_reply", "empty_reply", "server_error"}),
    ({"kind": "stall", "after_chunks": 0}, {"first_token_timeout", "attempt_timeout"}),
    ({"kind": "malformed", "after_chunks": 0, "drop": True}, {"unreadable_reply", "cut", "empty_reply"}),
    ({"kind": "not_sse"}, {"unreadable_reply", "empty_reply", "cut", "server_error"}),
    ({"kind": "not_json"}, {"unreadable_reply", "empty_reply", "cut", "server_error"}),
    ({"kind": "empty"}, {"unreadable_reply", "empty_reply", "cut", "server_error"}),
    ({"kind": "empty_choices"}, {"empty_reply", "cut", "unreadable_reply", "server_error"}),
    ({"kind": "null_content"}, {"empty_reply"}),
    ({"kind": "whitespace"}, {"empty_reply"}),
    ({"kind": "error_event", "after_chunks": 0}, {"error_in_stream", "overloaded", "server_error", "unreadable_reply"}),
    ({"kind": "model_not_found"}, {"model_not_found"}),
    ({"kind": "bad_key"}, {"provider_key_refused"}),
]


def ask(gateway: GatewayProcess, *, stream: bool = False, **body: Any) -> httpx.Response:
    with gateway.client() as client:
        return client.post("/v1/chat/completions", json={**CHAT, "stream": stream, **body})


def text(response: httpx.Response) -> str:
    if "event-stream" not in response.headers["content-type"]:
        return str(response.json()["choices"][0]["message"]["content"])
    from tests.support.sse import events

    found = events(response.text)
    assert found[-1].data == "[DONE]", response.text
    return "".join(c["delta"].get("content") or "" for e in found[:-1] for c in e.json["choices"])


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_the_primary_answers(gateway: GatewayProcess, provider: Double, stream: bool) -> None:
    response = ask(gateway, stream=stream)
    assert response.status_code == 200, response.text
    assert text(response) == 'Answer from gemini gemini-2.0-flash: you said "hello"'
    assert response.headers["x-ivy-model"] == "gemini-2.0-flash"
    assert response.headers["x-ivy-attempts"] == "1"
    assert "x-ivy-fallback-reason" not in response.headers


@pytest.fixture(params=["lean", "litellm"])
def fresh(request: pytest.FixtureRequest, start_shared: Start, cache: dict[str, GatewayProcess]) -> GatewayProcess:
    """A gateway that sets nothing aside for longer than a test."""
    if request.param not in cache:
        settings = {"upstream": {"lane": "auto" if request.param == "lean" else "litellm"}}
        cache[request.param] = start_shared({**settings, "retries": {"set_aside_seconds": 0.001}})
    return cache[request.param]


@pytest.fixture(scope="module")
def cache() -> dict[str, GatewayProcess]:
    return {}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(("fault", "reasons"), FAULTS, ids=[str(list(f.values())[:2]) for f, _ in FAULTS])
def test_the_fallback_answers(
    fresh: GatewayProcess, provider: Double, fault: dict[str, Any], reasons: set[str], stream: bool
) -> None:
    provider.script("gemini", fault, then="repeat")
    response = ask(fresh, stream=stream)
    assert response.status_code == 200, response.text
    assert text(response) == 'Answer from openai gpt-4o-mini: you said "hello"'
    assert response.headers["x-ivy-model"] == "gpt-4o-mini"
    assert response.headers["x-ivy-fallback-reason"] in reasons
    attempts, calls = int(response.headers["x-ivy-attempts"]), len(provider.calls())
    if fault["kind"] in ("reset", "close"):  # a kept connection that is lost is replaced without being an attempt
        assert attempts <= calls
    else:
        assert attempts == calls

"""The breaker, seen from outside: what the provider is asked while it fails, and when it is back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

OPEN_SECONDS = 1.5
CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
DOWN = {"kind": "status", "status": 503}
#: One try each, so that a request is one error.
SETTINGS: dict[str, Any] = {
    "breaker": {"errors": 5, "window_seconds": 30, "open_seconds": OPEN_SECONDS, "probes": 1},
    "retries": {"tries": 1},
    "timeouts": {"first_token_seconds": 15, "attempt_seconds": {"v1": 15}},
}


@pytest.fixture
def guarded(start: Start) -> GatewayProcess:
    return start(SETTINGS)


def ask(gateway: GatewayProcess, **body: Any) -> httpx.Response:
    with gateway.client() as client:
        return client.post("/v1/chat/completions", json={**CHAT, **body})


def gemini_calls(double: Double) -> int:
    return len(double.calls("gemini"))


def changes(gateway: GatewayProcess) -> list[tuple[str, str]]:
    return [(line["old_state"], line["state"]) for line in gateway.log("circuit_breaker")]


def test_five_errors_open_it_successes_between_them_or_not(guarded: GatewayProcess, provider: Double) -> None:
    for _ in range(4):
        provider.script("gemini", DOWN, then="ok")
        assert ask(guarded).headers["x-ivy-fallback-reason"] == "overloaded"
        assert ask(guarded).headers["x-ivy-model"] == "gemini-2.0-flash"
    assert changes(guarded) == []
    provider.script("gemini", DOWN, then="repeat")
    assert ask(guarded).headers["x-ivy-model"] == "gpt-4o-mini"
    before = gemini_calls(provider)

    sixth = ask(guarded)

    assert sixth.headers["x-ivy-fallback-reason"] == "breaker_open"
    assert sixth.headers["x-ivy-attempts"] == "1"
    assert gemini_calls(provider) == before == 9
    assert changes(guarded) == [("closed", "open")]


def test_one_probe_goes_out_among_many_and_its_success_closes(guarded: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", DOWN, then="repeat")
    for _ in range(5):
        ask(guarded)
    before = gemini_calls(provider)
    # The probe takes a while, so that the others come while it is out.
    provider.script("gemini", {"kind": "slow_first_token", "seconds": 3}, then="ok")
    time.sleep(OPEN_SECONDS + 0.1)
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: ask(guarded), range(20)))
    models = [reply.headers["x-ivy-model"] for reply in replies]
    assert gemini_calls(provider) == before + 1
    assert models.count("gemini-2.0-flash") == 1
    assert models.count("gpt-4o-mini") == 19
    assert ask(guarded).headers["x-ivy-model"] == "gemini-2.0-flash"
    assert changes(guarded) == [("closed", "open"), ("open", "half-open"), ("half-open", "closed")]


def test_a_failing_probe_opens_it_again(guarded: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", DOWN, then="repeat")
    for _ in range(5):
        ask(guarded)
    time.sleep(OPEN_SECONDS + 0.1)
    before = gemini_calls(provider)
    assert ask(guarded).headers["x-ivy-fallback-reason"] == "overloaded"
    assert ask(guarded).headers["x-ivy-fallback-reason"] == "breaker_open"
    assert gemini_calls(provider) == before + 1
    assert changes(guarded)[-2:] == [("open", "half-open"), ("half-open", "open")]


def test_callers_mistakes_and_callers_who_leave_never_open_it(guarded: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "status", "status": 400}, then="repeat")
    for _ in range(8):
        assert ask(guarded).status_code == 400
    provider.script("gemini", {"kind": "silence"}, then="repeat")
    for stream in (False, True) * 4:
        with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=guarded.url, timeout=0.2) as client:
            client.post("/v1/chat/completions", json={**CHAT, "stream": stream})
    provider.wait_calls(16, 10)
    provider.reset()
    assert ask(guarded).headers["x-ivy-model"] == "gemini-2.0-flash"
    assert changes(guarded) == []


def test_a_broken_stream_counts_when_it_breaks(guarded: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "cut", "after_chunks": 2}, then="repeat")
    for _ in range(5):
        broken = ask(guarded, stream=True)
        assert broken.headers["x-ivy-model"] == "gemini-2.0-flash"
        assert "[DONE]" in broken.text
    assert changes(guarded) == [("closed", "open")]
    assert ask(guarded, stream=True).headers["x-ivy-fallback-reason"] == "breaker_open"


def test_everything_down_is_a_503_that_says_when_to_come_back(guarded: GatewayProcess, provider: Double) -> None:
    provider.script("any", DOWN, then="repeat")
    replies = [ask(guarded) for _ in range(7)]
    assert {reply.status_code for reply in replies} == {503}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in replies)
    assert replies[-1].json()["error"]["code"] == "no_provider_available"
    assert "breaker_open" in replies[-1].json()["error"]["message"]
    health = httpx.get(f"{guarded.url}/ai/router/health").json()
    assert health["status"] == "degraded"
    assert {d["breaker"] for d in health["deployments"] if d["serves_assistant"]} == {"open"}

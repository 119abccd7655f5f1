"""The limits, seen from outside."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
QUESTION = {"query": "hello"}


@pytest.fixture(scope="module")
def limited(start_shared: Start) -> GatewayProcess:
    return start_shared({"limits": {"per_minute": 60, "burst": 10}})


def ask(gateway: GatewayProcess, path: str = "/v1/chat/completions", **headers: str) -> httpx.Response:
    body = CHAT if path.startswith("/v1") else QUESTION
    return httpx.post(gateway.url + path, json=body, headers=headers, timeout=10)


def at_the_start_of_a_window() -> None:
    """Windows of 10 s begin at multiples of 10 s; a burst that crosses one would be weighed."""
    left = 10 - time.time() % 10
    if left < 3:
        time.sleep(left + 0.05)


def test_the_eleventh_request_in_ten_seconds_is_refused_and_others_are_served(
    limited: GatewayProcess, provider: Double
) -> None:
    at_the_start_of_a_window()
    replies = [ask(limited, **{"X-User-ID": "anna"}) for _ in range(10)]
    assert [reply.status_code for reply in replies] == [200] * 10
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == [str(n) for n in range(59, 49, -1)]

    eleventh = ask(limited, "/ai/router/v2", **{"X-User-ID": "anna"})

    assert eleventh.status_code == 429
    assert 1 <= int(eleventh.headers["retry-after"]) <= 11
    assert eleventh.headers["x-ratelimit-limit"] == "10"
    assert eleventh.headers["x-ratelimit-remaining"] == "0"
    assert eleventh.json()["error"]["code"] == "rate_limit_exceeded"
    assert len(provider.calls()) == 10
    for other in ({"X-User-ID": "bert"}, {"X-User-ID": "anna", "X-Org-ID": "other"}, {}):
        assert ask(limited, **other).status_code == 200
    assert any("429" in line for line in (limited.folder / "logs/ai_router.log").read_text().splitlines())


def test_health_and_mistakes_are_free(limited: GatewayProcess, provider: Double) -> None:
    user = {"X-User-ID": "carl"}
    with limited.client(**user) as client:
        for _ in range(15):
            assert client.get("/ai/router/health").status_code == 200
            assert client.post("/v1/chat/completions", json={}).status_code == 400
        assert client.post("/v1/chat/completions", json=CHAT).headers["x-ratelimit-remaining"] == "59"


def test_the_environment_sets_the_limits(start: Start, provider: Double) -> None:
    gateway = start(env={"AI_BURST_LIMIT": "2", "AI_RATE_LIMIT_PER_MIN": "30"})
    at_the_start_of_a_window()
    replies = [ask(gateway) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[0].headers["x-ratelimit-limit"] == "30"

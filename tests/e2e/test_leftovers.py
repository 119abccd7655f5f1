"""After every fault the next request is served, and no task, connection or probe of the faulty one is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, poll
from tests.support.ivy import LEAD

#: Every kind of fault that the double knows, with the fields that it needs.
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 429, "retry_after": 0.2},
    {"kind": "status", "status": 400},
    {"kind": "status", "status": 401},
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "silence"},
    {"kind": "headers_then_silence"},
    {"kind": "slow_first_token", "seconds": 5},
    {"kind": "trickle", "interval_ms": 400},
    {"kind": "crawl_body", "interval_ms": 5},
    {"kind": "cut", "after_chunks": 0},
    {"kind": "cut", "after_chunks": 3},
    {"kind": "cut", "after_chunks": 3, "how": "fin"},
    {"kind": "cut_bytes", "after_bytes": 700},
    {"kind": "stall", "after_chunks": 3},
    {"kind": "malformed", "after_chunks": 3},
    {"kind": "malformed", "after_chunks": 3, "drop": True},
    {"kind": "error_event", "after_chunks": 3},
    {"kind": "no_finish"},
    {"kind": "no_done"},
    {"kind": "duplicate_events"},
    {"kind": "not_sse"},
    {"kind": "not_json"},
    {"kind": "empty"},
    {"kind": "redirect", "location": "http://127.0.0.1:9/"},
    {"kind": "huge_headers", "kilobytes": 500},
    {"kind": "gzip_bomb", "megabytes": 50},
    {"kind": "context_too_long"},
    {"kind": "model_not_found"},
    {"kind": "bad_key"},
    {"kind": "empty_choices"},
    {"kind": "null_content"},
    {"kind": "whitespace"},
    {"kind": "huge", "megabytes": 10},
    {"kind": "other_model"},
    {"kind": "safety"},
    {"kind": "safety", "where": "error"},
]
IDS = [" ".join(map(str, fault.values())) for fault in FAULTS]
SETTINGS: dict[str, Any] = {
    "retries": {"set_aside_seconds": 0.001},
    "timeouts": {"request_seconds": {"v1": 3, "ivy": 3}},
}
QUESTION = {"query": "How is it going?", "context": {"lead": LEAD}}


@pytest.fixture(scope="module", params=["auto", "litellm"])
def gateway(request: pytest.FixtureRequest, start_shared: Start) -> GatewayProcess:
    """One for each lane."""
    return start_shared({**SETTINGS, "upstream": {"lane": request.param}})


CLIENT = httpx.Client(timeout=30)
CALLS = [(ask, stream) for ask in ("chat", "assistant") for stream in (False, True)]


def ask(gateway: GatewayProcess, who: str, *, stream: bool) -> httpx.Response:
    if who == "assistant":
        return CLIENT.post(f"{gateway.url}/ai/router/v2", json={**QUESTION, "stream": stream})
    body = {"model": "default", "messages": [{"role": "user", "content": "[[words:8]]"}], "stream": stream}
    return CLIENT.post(f"{gateway.url}/v1/chat/completions", json=body)


def all_ways(gateway: GatewayProcess) -> list[httpx.Response]:
    """Each way to ask, at the same time."""
    with ThreadPoolExecutor(len(CALLS)) as pool:
        return list(pool.map(lambda call: ask(gateway, call[0], stream=call[1]), CALLS))


def left(gateway: GatewayProcess) -> dict[str, int]:
    found: dict[str, int] = CLIENT.get(f"{gateway.url}/ai/router/health").json()["under_way"]
    return found


def sockets(gateway: GatewayProcess) -> int:
    """Open sockets of the process."""
    folder = Path(f"/proc/{gateway.pid}/fd")
    links = [_target(link) for link in folder.iterdir()]
    return sum(target.startswith("socket:") for target in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_the_next_request_is_served_and_nothing_is_left(
    gateway: GatewayProcess, provider: Double, fault: dict[str, Any]
) -> None:
    all_ways(gateway)
    at_rest, connections = left(gateway), sockets(gateway)
    for who in ("gemini", "any"):
        provider.script(who, fault, then="repeat")
        all_ways(gateway)
        provider.reset()
        for healthy in all_ways(gateway):
            assert healthy.status_code == 200, healthy.text
            assert healthy.headers["x-ivy-model"] == "gemini-2.0-flash", healthy.headers
            assert "x-ivy-degraded" not in healthy.headers
    for _ in poll(10):
        if left(gateway) == at_rest and sockets(gateway) <= connections + 4:
            break
    assert left(gateway) == at_rest
    assert sockets(gateway) <= connections + 4  # those that are kept for the next requests

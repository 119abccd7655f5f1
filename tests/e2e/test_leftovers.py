"""After every fault the next request is served, and no task, connection or probe of the faulty one is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.double.faults import registry
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
    {"kind": "mistyped"},
    {"kind": "prefill_refused"},
    {"kind": "safety"},
    {"kind": "safety", "where": "error"},
]
IDS = [" ".join(map(str, fault.values())) for fault in FAULTS]
#: A breaker that opens at once and for a moment only, so that probes go out.
SETTINGS: dict[str, Any] = {
    "breaker": {"errors": 2, "open_seconds": 0.05},
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


class AtRest(NamedTuple):
    """A process that has nothing to do, with the connections it keeps for the next requests."""

    under_way: dict[str, int]
    sockets: int


@pytest.fixture(scope="module")
def at_rest(gateway: GatewayProcess) -> AtRest:
    for _ in range(3):
        all_ways(gateway)
    return AtRest(left(gateway), sockets(gateway))


def test_no_kind_of_fault_is_missing() -> None:
    assert {str(fault["kind"]) for fault in FAULTS} == set(registry.KINDS)


@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_the_next_request_is_served_and_nothing_is_left(
    gateway: GatewayProcess, provider: Double, at_rest: AtRest, fault: dict[str, Any]
) -> None:
    for who in ("gemini", "any"):
        provider.script(who, fault, then="repeat")
        all_ways(gateway)
        provider.reset()
        for _ in poll(10):  # a probe has to find that it is back
            first = ask(gateway, "chat", stream=False)
            if first.headers.get("x-ivy-model") == "gemini-2.0-flash":
                break
        for healthy in all_ways(gateway):
            assert healthy.status_code == 200, healthy.text
            assert healthy.headers["x-ivy-model"] == "gemini-2.0-flash", healthy.headers
            assert "x-ivy-degraded" not in healthy.headers
    most = at_rest.sockets + len(CALLS)  # over all faults together, so that what each leaves would add up
    for _ in poll(10):
        if left(gateway) == at_rest.under_way and sockets(gateway) <= most:
            break
    assert left(gateway) == at_rest.under_way
    assert sockets(gateway) <= most

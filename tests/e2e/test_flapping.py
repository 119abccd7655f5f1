"""Many streams while a provider comes and goes: none hangs, none is truncated, and nothing is left of them."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, poll
from tests.support.sse import events

STREAMS, WORDS = 200, 30
TEXT = " ".join(f"w{number}" for number in range(1, WORDS + 1))
CHAT = {"model": "default", "messages": [{"role": "user", "content": f"[[words:{WORDS}]]"}], "stream": True}
ATTEMPTS = 6  # of one request, as config/gateway.yaml has it
MODES: list[list[dict[str, Any]]] = [
    [{"kind": "cut", "after_chunks": 12}],
    [],
    [{"kind": "status", "status": 503}],
    [{"kind": "stall", "after_chunks": 5}],
    [],
    [{"kind": "reset"}],
    [{"kind": "error_event", "after_chunks": 20}],
]
SETTINGS: dict[str, Any] = {
    "breaker": {"errors": 5, "window_seconds": 30, "open_seconds": 0.5, "probes": 1},
    "timeouts": {"first_token_seconds": 3, "between_tokens_seconds": 1, "request_seconds": {"v1": 60}},
}


@pytest.fixture
def gateway(start: Start, provider: Double) -> GatewayProcess:
    provider.settings(chunk_interval_ms=10)
    return start(SETTINGS)


@contextmanager
def flapping(provider: Double) -> Iterator[None]:
    """The primary in another mood every 0.3 s; healthy in the end."""
    over = threading.Event()

    def change() -> None:
        for faults in itertools.cycle(MODES):
            provider.script("gemini", *faults, then="repeat")
            if over.wait(0.3):
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        provider.script("gemini")


async def streamed(client: httpx.AsyncClient, number: int) -> httpx.Response:
    await asyncio.sleep(number % 20 * 0.05)
    return await client.post("/v1/chat/completions", json=CHAT)


async def many(gateway: GatewayProcess) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=STREAMS)
    async with httpx.AsyncClient(base_url=gateway.url, limits=limits, timeout=90) as client:
        return await asyncio.gather(*(streamed(client, number) for number in range(STREAMS)))


def text(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    found = events(response.text)
    assert found[-1].data == "[DONE]", response.text[-400:]
    return "".join(c["delta"].get("content") or "" for e in found[:-1] for c in e.json["choices"])


def under_way(gateway: GatewayProcess) -> dict[str, int]:
    found: dict[str, int] = httpx.get(f"{gateway.url}/ai/router/health").json()["under_way"]
    return found


def memory(gateway: GatewayProcess) -> int:
    """Bytes of the process that are in memory."""
    pages = int(Path(f"/proc/{gateway.pid}/statm").read_text().split()[1])
    return pages * 4096


def test_none_hangs_none_is_truncated_and_nothing_is_left(gateway: GatewayProcess, provider: Double) -> None:
    at_rest = under_way(gateway)
    asyncio.run(many(gateway))  # what is allocated once is there now
    before = memory(gateway)
    for _ in range(2):
        provider.reset()
        asked = len(gateway.log("request"))
        with flapping(provider):
            replies = asyncio.run(many(gateway))
        assert [text(reply) for reply in replies] == [TEXT] * STREAMS
        lines = [line for line in gateway.wait_log("request", asked + STREAMS)[asked:] if "attempts" in line]
        assert max(line["attempts"] for line in lines) <= ATTEMPTS
        # A kept connection that turns out dead is replaced without being an attempt, so that there may be some more.
        assert len(provider.calls()) <= sum(line["attempts"] for line in lines) + STREAMS
        assert sum(line["attempts"] for line in lines) <= 2.5 * STREAMS
    for _ in poll(10):
        if under_way(gateway) == at_rest:
            break
    assert under_way(gateway) == at_rest
    assert memory(gateway) - before < 30_000_000

"""``make bench``: the parts of a request one by one, then whole requests through the running gateway."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from gateway.breaker import Breaker
from gateway.contract import Identity
from gateway.http import schema
from gateway.limits import Admission
from gateway.settings.schema import Breaker as BreakerSettings
from gateway.settings.schema import Limits
from policies.modal.rules import Rules
from tests.double.client import Double
from tests.policies.modal.many import ORDINARY, many_rules
from tests.support.gateway import QUICK, GatewayProcess, models

BODY: dict[str, Any] = {"model": "default", "messages": [{"role": "user", "content": "[[words:20]]"}]}
ROUNDS = 5


def main() -> None:
    print(f"python {sys.version.split()[0]}, {ROUNDS} rounds, medians\n")
    print("part of a request                       users        µs   ratio to 1 user")
    _limits()
    print("\npart of a request                                    µs")
    _part("breaker: acquire and settle", _breaker())
    _part("chat body: validation", lambda: schema.check(schema.CHAT, BODY))
    _part("modal or conversation: 200 rules, a query", _decide())
    _part("the same, a query of 50,000 characters", _decide(["what is the next best action " * 1725]))
    print("\nwhole requests, one worker          callers   requests/s   ratio to the provider alone")
    with Double.start() as double, tempfile.TemporaryDirectory() as folder:
        double.settings(log_calls=False)
        configured = models(double.gemini_base, double.openai_base)
        with GatewayProcess(Path(folder), models=configured, settings=QUICK) as gateway:
            asyncio.run(_requests(double, gateway))
            asyncio.run(_assistant(gateway))


def _timed(work: Callable[[], object], count: int = 20_000) -> float:
    """Microseconds a call, the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(count):
            work()
        rounds.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(rounds)


def _part(name: str, work: Callable[[], object]) -> None:
    print(f"{name:<48} {_timed(work):>8.1f}")


def _limits() -> None:
    first = 0.0
    for users in (1, 1_000, 5_000, 10_000):
        admission = Admission(Limits(per_minute=1_000_000, burst=1_000_000))
        callers = [Identity("127.0.0.1", user=f"user-{number}") for number in range(users)]
        for caller in callers:
            admission.admit(caller)
        position = iter(range(10**9))

        def admit(
            admission: Admission = admission, callers: list[Identity] = callers, position: Any = position
        ) -> None:
            admission.admit(callers[next(position) % len(callers)])

        cost = _timed(admit)
        first = first or cost
        print(f"{'limits: two windows, tested and counted':<40}{users:>5} {cost:>9.1f} {cost / first:>10.2f}")


def _breaker() -> Callable[[], None]:
    breaker = Breaker("bench", BreakerSettings())

    def once() -> None:
        token = breaker.acquire()
        assert token is not None
        breaker.success(token)

    return once


def _decide(queries: Sequence[str] = ORDINARY) -> Callable[[], object]:
    rules = Rules(many_rules(200))
    context = {"lead": {"leadScore": 82}}
    turn = itertools.cycle(queries)
    return lambda: rules.decide(next(turn), context, True)


async def _requests(double: Double, gateway: GatewayProcess) -> None:
    """The gateway and the provider by itself, alternating, so that the machine's drift cancels."""
    alone = f"{double.openai_base}/chat/completions"
    key = {"Authorization": "Bearer bench"}
    through = f"{gateway.url}/v1/chat/completions"
    for callers in (1, 32):
        for name, body in _kinds():
            rates: dict[str, list[float]] = {"alone": [], "through": []}
            for _ in range(ROUNDS):
                direct = {**body, "model": "gpt-4o-mini"}
                rates["alone"].append(await _rate(alone, direct, key, callers))
                rates["through"].append(await _rate(through, body, {}, callers))
            alone_rate, rate = (statistics.median(rates[which]) for which in ("alone", "through"))
            print(f"{name:<36}{callers:>7} {rate:>12.0f} {rate / alone_rate:>10.3f}")


async def _assistant(gateway: GatewayProcess) -> None:
    """The Ivy route with all policies, beside the same provider through /v1."""
    lead = {"name": "Maya Chen", "leadScore": 82}
    plain: dict[str, Any] = {"model": "gemini-2.0-flash", "messages": [{"role": "user", "content": "How is Maya?"}]}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("/ai/router/v2, conversational", {"query": "How is Maya?", "context": {"lead": lead}}),
        ("/ai/router/v2, modal", {"query": "What is the next best action?", "context": {"lead": lead}}),
    ]
    print("\nthe assistant, one worker            callers   requests/s   ratio to chat on /v1")
    for callers in (1, 32):
        for name, body in kinds:
            rates: dict[str, list[float]] = {"chat": [], "ivy": []}
            for _ in range(ROUNDS):
                rates["chat"].append(await _rate(f"{gateway.url}/v1/chat/completions", plain, {}, callers))
                rates["ivy"].append(await _rate(f"{gateway.url}/ai/router/v2", body, {"X-User-ID": "u"}, callers))
            chat, ivy = (statistics.median(rates[which]) for which in ("chat", "ivy"))
            print(f"{name:<36}{callers:>7} {ivy:>12.0f} {ivy / chat:>10.3f}")


def _kinds() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("chat, OpenAI's wire", {**BODY, "model": "gpt-4o-mini"}),
        ("chat, Gemini's wire", {**BODY, "model": "gemini-2.0-flash"}),
        ("20 chunks, OpenAI's wire", {**BODY, "model": "gpt-4o-mini", "stream": True}),
        ("20 chunks, Gemini's wire", {**BODY, "model": "gemini-2.0-flash", "stream": True}),
    ]


async def _rate(url: str, body: dict[str, Any], headers: dict[str, str], callers: int, seconds: float = 1.0) -> float:
    """Requests a second that ``callers`` get through in ``seconds``."""
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=callers)) as session:
        end = time.perf_counter() + seconds

        async def call() -> int:
            done = 0
            while time.perf_counter() < end:
                async with session.post(url, json=body) as response:
                    assert response.status == 200, await response.text()
                    await response.read()
                done += 1
            return done

        started = time.perf_counter()
        done = sum(await asyncio.gather(*(call() for _ in range(callers))))
        return done / (time.perf_counter() - started)


if __name__ == "__main__":
    main()

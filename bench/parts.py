"""``python -m bench.parts``: what the parts of a request cost by themselves."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.breaker import Breaker
from gateway.contract import Identity
from gateway.http import schema
from gateway.limits import Admission
from gateway.settings.schema import Breaker as BreakerSettings
from gateway.settings.schema import Limits
from policies.modal.rules import Rules
from tests.policies.modal.many import ORDINARY, many_rules

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


if __name__ == "__main__":
    main()

"""Figures out of what was seen: percentiles, rounds that are compared with each other, ratios."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.load import Result


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of ``values`` do not exceed; NaN where there is none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share - 1e-9) - 1)]


def median(values: Sequence[float]) -> float:
    """NaN where there is none."""
    return statistics.median(values) if values else float("nan")


def ratio(over: float, under: float) -> float:
    """NaN where there is nothing to divide by."""
    return over / under if under > 0 else float("nan")


@dataclass(slots=True)
class Rounds:
    """What one target did in the rounds of one row. ``results`` and ``cpu`` (seconds) have one entry a round."""

    results: list[Result] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def rates(self) -> list[float]:
        """Requests a second."""
        return [ratio(result.done, result.seconds) for result in self.results]

    def p50(self) -> list[float]:
        """Of each round, in microseconds."""
        return [percentile(result.latency, 0.5) for result in self.results]

    def pooled(self, share: float) -> float:
        """Of all rounds together, in microseconds."""
        return percentile([one for result in self.results for one in result.latency], share)


@dataclass(frozen=True, slots=True)
class Cell:
    """A target in a row of the table. Latency in milliseconds; ``added``: beyond the provider alone; ``first``: time
    to the first token; ``cpu_ms`` a request; ``error`` is the first of the ``failed`` ones."""

    rate: float
    p50_ms: float
    p99_ms: float
    added_p50_ms: float
    added_p99_ms: float
    first_ms: float
    cpu_ms: float
    failed: int
    error: str


def cell(rounds: Rounds, provider: Rounds) -> Cell:
    """Medians of the rounds; an added latency is the median of its differences to the provider's in the same round.
    The 99th percentile is that of all rounds together: a round of a slow target has few requests."""
    results = rounds.results
    done = sum(result.done + result.failed for result in results)
    added = [own - alone for own, alone in zip(rounds.p50(), provider.p50(), strict=True)]
    return Cell(
        rate=median(rounds.rates()),
        p50_ms=median(rounds.p50()) / 1000,
        p99_ms=rounds.pooled(0.99) / 1000,
        added_p50_ms=median(added) / 1000,
        added_p99_ms=(rounds.pooled(0.99) - provider.pooled(0.99)) / 1000,
        first_ms=median([percentile(result.first, 0.5) for result in results]) / 1000,
        cpu_ms=ratio(sum(rounds.cpu) * 1000, done),
        failed=sum(result.failed for result in results),
        error=next((result.error for result in results if result.error), ""),
    )


def gain(rounds: Mapping[str, Rounds], target: str, other: str) -> float:
    """How many times the rate of ``other`` that of ``target`` is: the median over the rounds, so that drift cancels.
    NaN where one was not measured, or got nothing done."""
    if target not in rounds or other not in rounds:
        return float("nan")
    pairs = zip(rounds[target].rates(), rounds[other].rates(), strict=True)
    found = [ratio(own, its) for own, its in pairs]
    return median([one for one in found if not math.isnan(one)])

"""What issue and README promise, held against what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.figures import ratio
from bench.measure import Line, Memory, Slow


@dataclass(frozen=True, slots=True)
class Promise:
    """``value`` has to be at least, or ``at_most``, ``limit``; NaN keeps nothing."""

    text: str
    value: float
    limit: float
    at_most: bool = False

    @property
    def kept(self) -> bool:
        """Whether it holds."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit


#: By section of the table, at 32 callers: how many times the rate of LiteLLM's proxy.
GAINS = {"chat": 10.0, "streams": 8.0, "ivy": 6.0}
PORTKEY_GAIN = 1.0
ADDED = 8.0
LATE_P50_MS, LATE_P99_MS = 50.0, 250.0
MEMORY_MB, GROWTH_MB = 200.0, 5.0
READY = 0.5


def of_lines(lines: Sequence[Line]) -> Iterator[Promise]:
    """Rates at 32 callers, and the added latency of a plain chat at one."""
    for line in lines:
        if line.callers > 1 and "litellm" in line.gains:
            yield Promise(f"{line.label}: times LiteLLM's proxy", line.gains["litellm"], GAINS[line.section])
        if line.callers > 1 and line.section == "chat" and "portkey" in line.gains:
            yield Promise(f"{line.label}: times Portkey", line.gains["portkey"], PORTKEY_GAIN)
        if line.callers == 1 and line.section == "chat" and "litellm" in line.cells:
            added = ratio(line.cells["litellm"].added_p50_ms, line.cells["gateway"].added_p50_ms)
            yield Promise(f"{line.label}, one caller: the proxy's added p50 is times ours", added, ADDED)
        yield Promise(f"{line.label}, {line.callers}: failed", line.cells["gateway"].failed, 0, at_most=True)


def of_slow(slow: Slow) -> Iterator[Promise]:
    """Slow streams: all whole, and none of their chunks late."""
    yield Promise(f"{slow.streams} slow streams: failed", slow.streams - slow.done, 0, at_most=True)
    yield Promise("slow streams: a chunk's lateness, p50 in ms", slow.late_p50_ms, LATE_P50_MS, at_most=True)
    yield Promise("slow streams: a chunk's lateness, p99 in ms", slow.late_p99_ms, LATE_P99_MS, at_most=True)


def of_memory(memory: Memory) -> Iterator[Promise]:
    """After mixed requests, and after as many again."""
    yield Promise("memory after mixed requests, MB", memory.after_mb, MEMORY_MB, at_most=True)
    yield Promise("its growth over as many again, MB", memory.growth_mb, GROWTH_MB, at_most=True)
    yield Promise("mixed requests: failed", memory.failed, 0, at_most=True)


def of_starts(seconds: Mapping[str, float]) -> Iterator[Promise]:
    """Beside LiteLLM's proxy."""
    if "litellm" in seconds:
        share = ratio(seconds.get("gateway", math.nan), seconds["litellm"])
        yield Promise("ready, as a share of the proxy's time", share, READY, at_most=True)

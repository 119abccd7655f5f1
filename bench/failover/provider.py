"""What the provider saw: its log of calls, sorted into the first choice's, the fallback's and strays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.failover.catalogue import Fault, Wire
from bench.failover.timing import Timing
from tests.double.client import Double

#: How long after the caller's answer a call to the provider may still be open.
GRACE = 1.5
OTHER: dict[Wire, Wire] = {"openai": "gemini", "gemini": "openai"}


@dataclass(frozen=True, slots=True)
class Names:
    """The models of a cell; what callers name and what the provider is asked for are the same."""

    primary: str
    fallback: str


@dataclass(frozen=True, slots=True)
class Saw:
    """Calls as ``tests.double.calls.Call`` shows them, oldest first; ``open`` of them had not ended in time."""

    primary: tuple[Mapping[str, Any], ...] = ()
    fallback: tuple[Mapping[str, Any], ...] = ()
    strays: int = 0
    open: int = 0

    def gaps(self) -> list[float]:
        """Seconds between the attempts on the first choice."""
        starts = [call["started"] for call in self.primary]
        return [later - earlier for earlier, later in pairwise(starts)]

    @property
    def refused_prefills(self) -> int:
        """Requests that ended with an answer's beginning and were refused for it."""
        return sum(call["fault"] == "prefill_refused" for call in (*self.primary, *self.fallback))


def set_up(double: Double, fault: Fault, wire: Wire, names: Names, timing: Timing) -> None:
    """Make the double play ``fault`` for the calls to come."""
    double.reset()
    double.settings(latency_ms=0, chunk_interval_ms=timing.interval_ms, **fault.manner)
    then = "repeat" if fault.always else "ok"
    planned = [resolved(one, wire, double) for one in fault.primary]
    double.script("any", *planned, then=then, seconds=fault.seconds, model=names.primary)
    if fault.fallback is not None:
        other = wire if fault.twin else OTHER[wire]
        double.script("any", resolved(fault.fallback, other, double), then="repeat", model=names.fallback)


def resolved(fault: Mapping[str, Any], wire: Wire, double: Double) -> dict[str, Any]:
    """The double's own fault: on OpenAI's wire a chunk without words, the role, comes first."""
    made = {key: value for key, value in fault.items() if key not in ("after_words", "after")}
    if "after" in fault:
        made["after_chunks"] = fault["after"][wire]
    if "after_words" in fault and fault["kind"] == "no_finish":
        made["after_words"] = fault["after_words"]
    elif "after_words" in fault:
        made["after_chunks"] = fault["after_words"] + (wire == "openai")
    if "location" in made:
        made["location"] = made["location"].replace("{double}", f"http://127.0.0.1:{double.port}")
    return made


async def look(double: Double, names: Names) -> Saw:
    """What it saw, once every call has ended or ``GRACE`` is over."""
    deadline = time.monotonic() + GRACE
    calls = double.calls()
    while _open(calls) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        calls = double.calls()
    chats = [call for call in calls if not call["path"].endswith("/elsewhere")]
    return Saw(
        primary=tuple(call for call in chats if call["model"] == names.primary),
        fallback=tuple(call for call in chats if call["model"] == names.fallback),
        strays=len(calls) - len(chats),
        open=_open(calls),
    )


def _open(calls: Sequence[Mapping[str, Any]]) -> int:
    return sum(call["outcome"] == "open" for call in calls)

"""Plays the cells: each fault on each wire through each surface, several workers side by side."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.failover import provider
from bench.failover.caller import Seen, call
from bench.failover.catalogue import ALL, V1, V2, WIRES, Fault, Surface, Wire, catalogue
from bench.failover.judge import Flap, Judgement, View, judge, whole
from bench.failover.provider import Saw
from bench.failover.targets import KEY, TARGETS, Setting, Target, names
from bench.failover.timing import Timing
from tests.double.client import Double

ALIVE_SECONDS = 10
#: How often a target that is not alive after a cell is asked again, so that the next cell is not judged for this one.
MORE_PROBES = 3
HEALTHY = Fault(id="", title="healthy", primary=({"kind": "none"},))
KEY_SENT = {"Authorization": f"Bearer {KEY}"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault on one wire through one surface."""

    fault: Fault
    wire: Wire
    surface: Surface

    @property
    def id(self) -> str:
        """Such as ``S08-gemini-v1-stream``."""
        return f"{self.fault.id}-{self.wire}-{self.surface.replace(' ', '-')}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a cell."""

    cell: Cell
    seen: Seen
    saw: Saw
    judgement: Judgement
    flap: Flap | None = None


def cells(timing: Timing, surfaces: Sequence[Surface] = ALL) -> list[Cell]:
    """All cells of a profile, in the catalogue's order."""
    return [
        Cell(fault, wire, surface)
        for fault in catalogue(timing)
        for wire in WIRES
        for surface in surfaces
        if surface in fault.surfaces
    ]


def run(
    wanted: Iterable[Cell], timing: Timing, target: str = "gateway", told: Callable[[Result], None] = lambda _: None
) -> dict[str, Result]:
    """Play ``wanted``; each wire's v1 and v2 cells have a double and processes of their own. By the cells' ids."""
    groups: dict[tuple[Wire, bool], list[Cell]] = {}
    for cell in wanted:
        groups.setdefault((cell.wire, cell.surface in V1), []).append(cell)
    results: dict[str, Result] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(groups))) as pool:
        for one in pool.map(lambda group: list(_work(group, timing, target, told)), groups.values()):
            results |= {result.cell.id: result for result in one}
    return results


def _work(group: Sequence[Cell], timing: Timing, target: str, told: Callable[[Result], None]) -> Iterator[Result]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        double = stack.enter_context(Double.start())
        surfaces = V1 if group[0].surface in V1 else V2
        faults = list({cell.fault.id: cell.fault for cell in group}.values())
        setting = Setting(stack, folder, double, group[0].wire, faults, timing, surfaces)
        made = TARGETS[target](setting)
        with asyncio.Runner() as runner:
            for cell in group:
                result = runner.run(_Play(cell, timing, double, made).play())
                told(result)
                yield result


class _Play:
    """One cell being played."""

    def __init__(self, cell: Cell, timing: Timing, double: Double, target: Target) -> None:
        self._cell, self._timing, self._double = cell, timing, double
        self._names = names(cell.fault, cell.surface)
        self._promises = target.promises
        self._url = target.url(cell.fault.role)
        self._longest = min(cell.fault.longest, timing.longest)

    async def play(self) -> Result:
        """Set the fault, ask, look at what the provider saw, and ask once more in health."""
        cell, fault = self._cell, self._cell.fault
        flap: Flap | None = None
        async with httpx.AsyncClient(base_url=self._url, headers=KEY_SENT, timeout=None) as client:
            provider.set_up(self._double, fault, cell.wire, self._names, self._timing)
            if fault.seconds is not None:
                seen, saw, flap = await self._sequence(client)
            else:
                seen = await call(client, cell.surface, self._body(fault), self._longest)
                saw = await provider.look(self._double, self._names)
            alive = await self._alive(client)
            for _ in range(0 if alive else MORE_PROBES):
                if await self._alive(client):
                    break
        view = View(fault, cell.surface, self._names, seen, saw, alive, flap, self._promises)
        return Result(cell, seen, saw, judge(view), flap)

    def _body(self, fault: Fault) -> dict[str, Any]:
        if self._cell.surface in V2:
            return {"query": fault.prompt, "context": {}}
        return {
            "model": self._names.primary,
            "messages": [{"role": "user", "content": fault.prompt}],
            **fault.body,
        }

    async def _alive(self, client: httpx.AsyncClient) -> bool:
        """Whether an ordinary request to the same model is answered once the provider is well."""
        self._double.reset()
        self._double.settings(chunk_interval_ms=0)
        seen = await call(client, self._cell.surface, self._body(HEALTHY), ALIVE_SECONDS)
        view = View(HEALTHY, self._cell.surface, self._names, seen, Saw(), alive=True)
        return seen.outcome == "answer" and whole(view)

    async def _sequence(self, client: httpx.AsyncClient) -> tuple[Seen, Saw, Flap]:
        """Requests at a steady pace while the provider is down and after."""
        begun, timing = time.monotonic(), self._timing
        sent: list[tuple[float, Seen]] = []
        for number in range(timing.requests):
            await asyncio.sleep(max(0.0, begun + number * timing.pause - time.monotonic()))
            at = time.monotonic() - begun
            body = self._body(self._cell.fault)
            sent.append((at, await call(client, self._cell.surface, body, self._longest)))
        saw = await provider.look(self._double, self._names)
        fine = [self._fine(seen) for _, seen in sent]
        worst = next((seen for (_, seen), good in zip(sent, fine, strict=True) if not good), sent[-1][1])
        down = [good for (at, _), good in zip(sent, fine, strict=True) if at < timing.down]
        answers = [one["started"] - begun for one in saw.primary if one["outcome"] == "completed"]
        flap = Flap(
            requests=len(down),
            answered=sum(down),
            asked=sum(one["started"] - begun < timing.down for one in saw.primary),
            recovered=min(answers) - timing.down if answers else None,
        )
        return worst, saw, flap

    def _fine(self, seen: Seen) -> bool:
        view = View(self._cell.fault, self._cell.surface, self._names, seen, Saw(), alive=True)
        return seen.outcome == "answer" and whole(view)

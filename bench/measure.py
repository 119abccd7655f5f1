"""Measures: rates and latencies in rounds, slow streams, memory, time to ready."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import figures, rows
from bench.client import Client, Job
from bench.figures import Cell, Rounds, percentile
from bench.process import cpu_seconds, resident_mb
from bench.rows import ROWS, Row, TargetName
from bench.targets import FLAKY, STARTS, Target, flaky

Say = Callable[[str], None]
#: The provider alone is quick: a shorter round has requests enough.
ALONE = 0.4
#: Sections in which many callers are measured in more rounds, since a promise is near.
CLOSE = ("chat", "ivy")
MIXED = 2000
MIXED_CALLERS = 32


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: rounds of a row, more of chat and Ivy by many; their seconds and those before
    them; starts; slow streams, and whether the others hold them too; mixed requests before memory is read:
    of this gateway, and of the others, which are slower."""

    rounds: int = 5
    close_rounds: int = 15
    seconds: float = 1.0
    warm: float = 0.4
    starts: int = 3
    streams: int = 500
    slow_others: bool = True
    mixed: int = 10_000
    mixed_others: int = 1_000


QUICK = Size(
    rounds=2,
    close_rounds=2,
    seconds=0.3,
    warm=0.2,
    starts=1,
    streams=100,
    slow_others=False,
    mixed=1_000,
    mixed_others=100,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table by ``callers``; ``gains``: this gateway's rate over the others'."""

    id: str
    section: str
    label: str
    callers: int
    cells: Mapping[str, Cell]
    gains: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Slow:
    """Slow streams of one target; ``late`` (ms) is how long after the provider a chunk came; ``first`` after asking."""

    streams: int
    done: int
    failed: int
    error: str
    chunks: int
    late_p50_ms: float
    late_p99_ms: float
    first_p50_ms: float
    first_p99_ms: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory (10^6 bytes) ready, after ``requests``, and how much more after as many again."""

    requests: int
    ready_mb: float
    after_mb: float
    growth_mb: float
    failed: int
    error: str


def line(load: Client, targets: Sequence[Target], row: Row, callers: int, size: Size) -> Line:
    """One row: all targets in each round, in an order that turns round with every round."""
    asks = {target.name: target.asks(row) for target in targets}
    rounds: dict[str, Rounds] = {target.name: Rounds() for target in targets}
    for target in targets:
        load.play(Job(target.port, asks[target.name], callers, seconds=size.warm))
    for number in range(size.close_rounds if row.section in CLOSE and callers > 1 else size.rounds):
        for target in targets if number % 2 == 0 else reversed(targets):
            seconds = size.seconds * (ALONE if target.name == "provider" else 1)
            before = cpu_seconds(target.pid) if target.pid else 0.0
            result = load.play(Job(target.port, asks[target.name], callers, seconds=seconds))
            rounds[target.name].results.append(result)
            rounds[target.name].cpu.append(cpu_seconds(target.pid) - before if target.pid else 0.0)
    cells = {name: figures.cell(found, rounds["provider"]) for name, found in rounds.items()}
    gains = {name: figures.gain(rounds, "gateway", name) for name in rounds if name not in ("provider", "gateway")}
    return Line(row.id, row.section, row.label, callers, cells, gains)


def lines(load: Client, targets: Sequence[Target], sections: Sequence[str], size: Size, say: Say) -> list[Line]:
    """All rows of ``sections``."""
    found = []
    for row in ROWS:
        for callers in rows.CALLERS if row.section in sections else ():
            found.append(line(load, targets, row, callers, size))
            rates = ", ".join(f"{name} {cell.rate:.0f}" for name, cell in found[-1].cells.items())
            say(f"{row.label}, {callers} caller{'s' if callers > 1 else ''}: {rates} requests/s")
    return found


def slow(load: Client, target: Target, size: Size) -> Slow:
    """``size.streams`` at once, half of them on each wire."""
    asks = [rows.slow(target.name, wire, target.provider_port) for wire in rows.WIRES]
    result = load.play(Job(target.port, asks, size.streams, count=size.streams))
    return Slow(
        streams=size.streams,
        done=result.done,
        failed=result.failed,
        error=result.error,
        chunks=len(result.late),
        late_p50_ms=percentile(result.late, 0.5) / 1000,
        late_p99_ms=percentile(result.late, 0.99) / 1000,
        first_p50_ms=percentile(result.first, 0.5) / 1000,
        first_p99_ms=percentile(result.first, 0.99) / 1000,
    )


def mixed() -> list[Row]:
    """Rows in a fixed order: both wires plain and streamed, the assistant's route for many users, and models that fail
    so that another answers."""
    rng = random.Random(5)
    chat = [row for row in ROWS if row.section != "ivy"]
    ivy = [row for row in ROWS if row.section == "ivy"]
    made: list[Row] = []
    for number in range(MIXED):
        user = f"user-{rng.randrange(rows.USERS)}"
        kind = rng.random()
        if kind < 0.1:
            failing = rng.randrange(FLAKY)
            like = chat[2 * rng.randrange(2) + failing % 2]
            made.append(replace(like, model=flaky(failing), user=user))
        elif kind < 0.6:
            made.append(replace(rng.choice(chat), text=f"{rows.QUESTION} ({number})", user=user))
        else:
            row = ivy[0] if kind < 0.9 else ivy[1]
            made.append(replace(row, user=user))
    return made


def memory(load: Client, target: Target, size: Size) -> Memory:
    """Memory of a process that has answered mixed requests; this gateway is asked for as many again."""
    asks = [target.asks(row)[0] for row in mixed()]
    ours = target.name == "gateway"
    count = size.mixed if ours else size.mixed_others
    ready = resident_mb(target.pid)
    first = load.play(Job(target.port, asks, MIXED_CALLERS, count=count))
    time.sleep(1)
    after, growth = resident_mb(target.pid), math.nan
    results = [first]
    if ours:
        results.append(load.play(Job(target.port, asks, MIXED_CALLERS, count=count)))
        time.sleep(1)
        growth = resident_mb(target.pid) - after
    error = next((result.error for result in results if result.error), "")
    return Memory(count, ready, after, growth, sum(result.failed for result in results), error)


def starts(names: Sequence[TargetName], folder: Path, port: int, times: int) -> dict[str, float]:
    """Seconds from a process's start to its first successful answer, the median."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(times):
        for name in names:
            place = folder / f"{name}-{number}"
            place.mkdir(parents=True)
            started = time.monotonic()
            with STARTS[name](place, port):
                seconds[name].append(time.monotonic() - started)
    return {name: figures.median(found) for name, found in seconds.items()}

"""The results as tables: of one shape for the terminal and, in Markdown, for the README."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.figures import Cell, ratio
from bench.measure import Line, Memory, Slow
from bench.promises import Promise

NAMES = {"provider": "provider alone", "gateway": "this gateway", "litellm": "LiteLLM's proxy", "portkey": "Portkey"}


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the names of the columns, and rows of texts; the first column is to the left."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """For a terminal."""
        everything = [self.columns, *self.rows]
        widths = [max(len(row[place]) for row in everything) for place in range(len(self.columns))]
        lines = [
            "  ".join(
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in everything
        ]
        return "\n".join([self.heading, *lines])

    def markdown(self) -> str:
        """For the README."""
        rule = ["---", *("---:" for _ in self.columns[1:])]
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, rule, *self.rows)]
        return "\n".join([f"**{self.heading}**", "", *lines])


@dataclass(slots=True)
class Found:
    """Everything that was measured in one run; what was not is empty."""

    machine: dict[str, str] = field(default_factory=dict)
    method: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    slow: dict[str, Slow] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)


def number(value: float, digits: int = 3) -> str:
    """``value`` with so many significant digits, and no digit before the point lost; a dash for NaN."""
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def times(value: float) -> str:
    """A ratio."""
    return "-" if math.isnan(value) else f"{value:.1f}x"


def tables(found: Found) -> Iterator[Table]:
    """All that there are results for."""
    if found.lines:
        yield _rates(found.lines)
        yield _latency("Added latency, ms (p50 / p99)", found.lines, _added, _less_added)
        streams = [line for line in found.lines if line.section == "streams"]
        if streams:
            yield _latency("Time to first token, ms (p50)", streams, lambda cell: number(cell.first_ms), _less_first)
        yield _latency("CPU of a request, ms", found.lines, lambda cell: number(cell.cpu_ms), _less_cpu)
    if found.slow:
        yield _slow(found.slow)
    if found.memory or found.ready:
        yield _process(found)


def _targets(lines: Sequence[Line]) -> list[str]:
    return [name for name in NAMES if any(name in line.cells for line in lines)]


def _rates(lines: Sequence[Line]) -> Table:
    targets = _targets(lines)
    others = [name for name in targets if name not in ("provider", "gateway")]
    columns = ["", "callers", *(NAMES[name] for name in targets), *(f"times {NAMES[name]}" for name in others)]
    rows = [
        [
            line.label,
            str(line.callers),
            *(_rate(line.cells[name]) for name in targets),
            *(times(line.gains[name]) for name in others),
        ]
        for line in lines
    ]
    return Table("Requests/s", columns, rows)


def _rate(cell: Cell) -> str:
    return number(cell.rate) + (f" ({cell.failed} failed)" if cell.failed else "")


def _latency(
    heading: str, lines: Sequence[Line], show: Callable[[Cell], str], compare: Callable[[Cell, Cell], float]
) -> Table:
    """A table of one figure by target, and how many times ours that of LiteLLM's proxy is."""
    targets = [name for name in _targets(lines) if name != "provider"]
    compared = ["litellm"] if "litellm" in targets else []
    rows = [
        [
            line.label,
            str(line.callers),
            *(show(line.cells[name]) for name in targets),
            *(times(compare(line.cells[name], line.cells["gateway"])) for name in compared),
        ]
        for line in lines
    ]
    return Table(
        heading, ["", "callers", *(NAMES[name] for name in targets), *("the proxy's is" for _ in compared)], rows
    )


def _added(cell: Cell) -> str:
    return f"{number(cell.added_p50_ms)} / {number(cell.added_p99_ms)}"


def _less_added(other: Cell, ours: Cell) -> float:
    return ratio(other.added_p50_ms, ours.added_p50_ms)


def _less_first(other: Cell, ours: Cell) -> float:
    return ratio(other.first_ms, ours.first_ms)


def _less_cpu(other: Cell, ours: Cell) -> float:
    return ratio(other.cpu_ms, ours.cpu_ms)


def _slow(slow: dict[str, Slow]) -> Table:
    columns = ["", "whole", "failed", "late p50, ms", "late p99, ms", "first chunk p50, ms", "first chunk p99, ms"]
    rows = [
        [
            NAMES[name],
            str(one.done),
            str(one.failed),
            number(one.late_p50_ms),
            number(one.late_p99_ms),
            number(one.first_p50_ms),
            number(one.first_p99_ms),
        ]
        for name, one in slow.items()
    ]
    streams = next(iter(slow.values())).streams
    return Table(f"{streams} streams at once, one chunk a second for 20 s, half on each wire", columns, rows)


def _process(found: Found) -> Table:
    columns = ["", "ready after, s", "memory when ready, MB", "mixed requests", "memory then, MB", "as many again, MB"]
    rows = []
    for name, shown in NAMES.items():
        if name not in found.memory and name not in found.ready:
            continue
        memory = found.memory.get(name, Memory(0, math.nan, math.nan, math.nan, 0, ""))
        failed = f" ({memory.failed} failed)" if memory.failed else ""
        figures = [f"{memory.requests:,}{failed}", number(memory.after_mb), _growth(memory.growth_mb)]
        ready = number(found.ready.get(name, math.nan))
        rows.append([shown, ready, number(memory.ready_mb), *figures])
    return Table("The process", columns, rows)


def _growth(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.1f}"

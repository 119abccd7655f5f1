"""Prints results: a row for each cell, a line of sums for each wire and surface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bench.failover.run import Cell, Result

VERDICTS = ("pass", "partial", "safe", "fail")
LONGEST = 2000  # characters of each text in a file
Results = Mapping[str, Result]


def table(order: Sequence[Cell], columns: Mapping[str, Results]) -> str:
    """Fault, wire, surface and, for each target, what caller and provider saw and the verdict."""
    head = f"{'fault':<38}{'wire':<8}{'surface':<10}"
    head += "".join(f"{f'{name}: caller':<28}{'provider':<18}{'verdict':<9}" for name in columns)
    lines = [head, "-" * len(head)]
    for cell in order:
        found = [results.get(cell.id) for results in columns.values()]
        if any(found):
            lines.append(f"{_title(cell):<38}{cell.wire:<8}{cell.surface:<10}{''.join(map(_columns, found))}".rstrip())
    return "\n".join(lines)


def summary(columns: Mapping[str, Results]) -> str:
    """A line for each target, wire and surface."""
    lines = []
    for name, results in columns.items():
        sums: dict[tuple[str, str], Counter[str]] = {}
        for result in results.values():
            place = (result.cell.wire, result.cell.surface)
            sums.setdefault(place, Counter())[result.judgement.verdict] += 1
        for (wire, surface), counts in sorted(sums.items()):
            told = "  ".join(f"{counts[verdict]:>3} {verdict}" for verdict in VERDICTS)
            lines.append(f"{name:<9}{wire:<8}{surface:<10}{told}   of {counts.total()}")
    return "\n".join(lines)


def reasons(results: Results) -> str:
    """Why each cell that does not pass does not."""
    return "\n".join(
        f"  {result.judgement.verdict:<8}{result.cell.id:<26}{result.judgement.reason}"
        for result in results.values()
        if result.judgement.verdict != "pass"
    )


def record(result: Result) -> dict[str, Any]:
    """One result for a file."""
    seen, saw = result.seen, result.saw
    return {
        "id": result.cell.id,
        "title": result.cell.fault.title,
        "verdict": result.judgement.verdict,
        "reason": result.judgement.reason,
        "caller": {name: getattr(seen, name) for name in seen.__slots__} | {"said": [s[:LONGEST] for s in seen.said]},
        "primary": [_call(call) for call in saw.primary],
        "fallback": [_call(call) for call in saw.fallback],
        "open": saw.open,
        "flap": None if result.flap is None else {k: getattr(result.flap, k) for k in result.flap.__slots__},
    }


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in ("started", "ended", "outcome", "fault", "stream", "chunks_sent")}


def _title(cell: Cell) -> str:
    return f"{cell.fault.id} {cell.fault.title}"[:37]


def _columns(result: Result | None) -> str:
    if result is None:
        return f"{'':<28}{'':<18}{'':<9}"
    return f"{caller(result):<28}{provider(result):<18}{result.judgement.verdict:<9}"


def caller(result: Result) -> str:
    """Such as ``60 words, 0.2 s``."""
    seen = result.seen
    status = "" if seen.status == 200 else f" {seen.status}"
    told = f"{seen.words} words" if seen.outcome == "answer" else f"{seen.outcome}{status}"
    return f"{told}, {seen.seconds:.1f} s"[:27]


def provider(result: Result) -> str:
    """Attempts on the first choice and on the fallback, and the first gap: ``2+1, gap 1.0 s``."""
    gaps = result.saw.gaps()
    gap = f", gap {gaps[0]:.2f} s" if gaps else ""
    return f"{len(result.saw.primary)}+{len(result.saw.fallback)}{gap}"

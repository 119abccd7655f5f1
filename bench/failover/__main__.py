"""``python -m bench.failover``: plays every fault and prints the scorecard."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.failover import scorecard
from bench.failover.catalogue import ALL, V1
from bench.failover.run import Cell, Result, cells, run
from bench.failover.timing import PROFILES


def main() -> int:
    """The exit status: 1 where a cell of this gateway does not pass."""
    options = _options()
    timing = PROFILES[options.profile]
    other = options.target == "litellm"
    order = [cell for cell in cells(timing, V1 if other else ALL) if _wanted(cell, options)]
    started = time.monotonic()
    columns = {}
    for target in ("gateway", "litellm") if other else ("gateway",):
        columns[target] = run(order, timing, target, _progress)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    print(scorecard.table(order, columns))
    print()
    print(scorecard.summary(columns))
    for name, results in columns.items():
        if told := scorecard.reasons(results):
            print(f"\n{name}: why not pass\n{told}")
    print(f"\n{timing.name} profile, attempts as first choice + fallback, {time.monotonic() - started:.0f} s")
    if options.json:
        recorded = {name: list(map(scorecard.record, results.values())) for name, results in columns.items()}
        Path(options.json).write_text(json.dumps(recorded, indent=1, ensure_ascii=False, default=str) + "\n")
    return int(any(result.judgement.verdict != "pass" for result in columns["gateway"].values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="fast")
    parser.add_argument("--target", choices=["gateway", "litellm"], default="gateway")
    parser.add_argument("--only", nargs="*", default=[], metavar="ID", help="S08, S08-gemini, S08-gemini-v1-stream")
    parser.add_argument("--json", metavar="FILE", help="write all that was seen")
    return parser.parse_args()


def _wanted(cell: Cell, options: argparse.Namespace) -> bool:
    only: Sequence[str] = options.only
    return not only or any(one in (cell.id, cell.fault.id) or cell.id.startswith(f"{one}-") for one in only)


def _progress(result: Result) -> None:
    if sys.stderr.isatty():
        print(f"\r{result.cell.id:<40}{result.judgement.verdict:<10}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

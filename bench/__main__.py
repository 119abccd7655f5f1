"""``make bench``: this gateway beside LiteLLM's proxy and Portkey's gateway, on the same machine in the same run.

``python -m bench [--only chat,streams,ivy,slow,memory,start] [--targets gateway,...] [--quick] [--check]
[--json FILE] [--markdown FILE] [--picture FILE]``
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import machine, measure, picture, promises, report, targets
from bench.client import Client, client, provider
from bench.measure import QUICK, Size
from bench.promises import Promise
from bench.rows import TargetName
from bench.table import Found
from bench.targets import STARTS, Target

RATES = ("chat", "streams", "ivy")
SECTIONS = (*RATES, "slow", "memory", "start")


def main(arguments: Sequence[str]) -> int:
    """The process's exit status: 1 where ``--check`` is given and a promise does not hold."""
    options = _options(arguments)
    _raise_open_files()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else this project alone would be compiled anew with each start
    found = run(options.only, options.targets, QUICK if options.quick else Size())
    print("\n" + report.text(found))
    if options.json:
        options.json.write_bytes(report.as_json(found))
    if options.markdown:
        options.markdown.write_text(report.markdown(found))
    if options.picture:
        options.picture.write_text(picture.svg(found.lines))
    broken = report.broken(found) if options.check else []
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


def run(sections: Sequence[str], wanted: Sequence[TargetName], size: Size) -> Found:
    """Measure ``sections`` on those of ``wanted`` that are installed."""
    missing: dict[str, str] = {name: why for name, why in targets.installed().items() if name in wanted}
    names = [name for name in STARTS if name in wanted and name not in missing]
    found = Found(machine.facts(), machine.method(size), missing)
    with client() as load, provider() as port, tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if "start" in sections:
            found.ready = measure.starts(names, place / "start", port, size.starts)
            say(f"ready: {', '.join(f'{name} {seconds:.1f} s' for name, seconds in found.ready.items())}")
        if any(section in sections for section in (*RATES, "slow")):
            with _all(names, place / "rates", port) as running:
                _running(found, load, running, sections, size)
        for name in names if "memory" in sections else ():
            with _all([name], place / "memory", port) as [_, target]:
                found.memory[name] = measure.memory(load, target, size)
                say(f"memory: {name} {found.memory[name].after_mb:.0f} MB")
    found.promises = list(_promises(found))
    return found


def _running(found: Found, load: Client, running: list[Target], sections: Sequence[str], size: Size) -> None:
    """What is measured on processes that run beside each other."""
    found.lines = measure.lines(load, running, sections, size, say)
    slow = [target for target in running[1:] if target.name == "gateway" or size.slow_others]
    for target in slow if "slow" in sections else ():
        found.slow[target.name] = measure.slow(load, target, size)
        say(f"slow streams: {target.name} {found.slow[target.name].late_p50_ms:.1f} ms late")


@contextmanager
def _all(names: Sequence[TargetName], folder: Path, port: int) -> Iterator[list[Target]]:
    """The provider, and the named targets, running."""
    with ExitStack() as stack:
        running = [Target("provider", port, 0, port)]
        for name in names:
            place = folder / name
            place.mkdir(parents=True)
            running.append(stack.enter_context(STARTS[name](place, port)))
        yield running


def _promises(found: Found) -> Iterator[Promise]:
    yield from promises.of_lines([line for line in found.lines if "gateway" in line.cells])
    if "gateway" in found.slow:
        yield from promises.of_slow(found.slow["gateway"])
    if "gateway" in found.memory:
        yield from promises.of_memory(found.memory["gateway"])
    yield from promises.of_starts(found.ready)


def _raise_open_files() -> None:
    """Slow streams take two connections each, more than some systems allow a process to begin with."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if most == resource.RLIM_INFINITY else min(8192, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--only", type=_among(SECTIONS), default=list(SECTIONS), help=",".join(SECTIONS))
    parser.add_argument("--targets", type=_among(tuple(STARTS)), default=list(STARTS), help=",".join(STARTS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for development")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a promise does not hold")
    for name in ("json", "markdown", "picture"):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE")
    return parser.parse_args(arguments)


class _among:  # noqa: N801 - argparse shows its name
    """A list of names, separated by commas, each one of ``allowed``."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    def __call__(self, text: str) -> list[str]:
        names = text.split(",")
        if wrong := [name for name in names if name not in self._allowed]:
            raise argparse.ArgumentTypeError(f"{', '.join(wrong)}: not one of {', '.join(self._allowed)}")
        return names


STARTED = time.monotonic()


def say(text: str) -> None:
    """Progress, apart from the report."""
    print(f"{time.monotonic() - STARTED:6.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

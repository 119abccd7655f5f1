"""``make bench-profile [ROW=chat-gemini]``: where the gateway's CPU goes under the load of one row.

py-spy samples it from outside: the gateway runs at its usual speed, as a child of py-spy's, which most systems ask for.
Printed are the shares by group of modules and by function: a function's own, and with all that it called.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from bench import litellm_proxy, process, rows
from bench.client import Job, client, provider
from bench.rows import ROWS
from bench.targets import SETTINGS, Target, configured
from tests.support.gateway import ROOT, GatewayProcess

HERTZ = 250
SHOWN = 25
#: What an event loop is in a stack; what stands before it is the start, and what has none is a thread that waits.
LOOP = "Runner.run (asyncio/runners.py"
#: What Python does once, at start or for the first request.
ONCE = ("_find_and_load", "warm", "lifespan")
#: Where a path begins to say something.
ROOTS = ("site-packages/", f"python3.{sys.version_info.minor}/", f"{ROOT}/")


class Profiled(GatewayProcess):
    """The gateway under py-spy, which writes its samples to ``samples`` when the gateway ends."""

    @property
    def samples(self) -> Path:
        """One line a stack: frames separated by ``;``, and how often it was seen."""
        return self.folder / "samples"

    def __enter__(self) -> Self:
        spy = str(beside) if (beside := Path(sys.executable).with_name("py-spy")).exists() else "py-spy"
        command = [spy, "record", "--format", "raw", "--rate", str(HERTZ), "--full-filenames"]
        with (self.folder / "stderr").open("w") as stderr:
            try:
                self.process = subprocess.Popen(
                    [*command, "--output", str(self.samples), "--", sys.executable, "-m", "gateway", "serve"],
                    cwd=self.folder,
                    env=self.env,
                    text=True,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                )
            except FileNotFoundError as error:
                raise SystemExit("py-spy is not installed: .venv/bin/pip install py-spy") from error
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "listens on " in line:
                self.url = line.split("listens on ")[1].strip()
            if line.startswith("  stop:"):
                return self
        raise SystemExit(f"the gateway did not start under py-spy:\n{self.stderr()[-2000:]}")

    def finish(self) -> list[tuple[list[str], int]]:
        """End the gateway; the stacks, outermost frame first, each with its number of samples."""
        assert self.process is not None
        for pid in process.tree(self.process.pid)[1:]:
            os.kill(pid, signal.SIGTERM)
        self.process.wait(60)
        return list(stacks(self.samples.read_text().splitlines()))


def stacks(lines: Iterable[str]) -> Iterator[tuple[list[str], int]]:
    """What the event loop ran, out of py-spy's raw format, without what is done once; a stack of one frame is the
    loop's own."""
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = [function(frame) for frame in stack.split(";")]
        if f"{LOOP})" in frames and not any(mark in frame for frame in frames for mark in ONCE):
            yield frames[frames.index(f"{LOOP})") + 1 :] or ["the event loop itself"], int(count)


def function(frame: str) -> str:
    """A frame as ``name (file)``, without its line, so that a function is one; the file from its package on."""
    name, bracket, path = frame.strip().partition(" (")
    for root in ROOTS:
        path = path.rpartition(root)[2]
    return f"{name} ({path.partition(':')[0].rstrip(')')})" if bracket else name


def group(frame: str) -> str:
    """The part of this project that such a frame is of, else its library."""
    parts = frame.partition(" (")[2].rstrip(")").split("/")
    if parts[0] in ("gateway", "policies"):
        return "/".join(parts[:2]).removesuffix(".py")
    return parts[0].removesuffix(".py") or frame


def shares(found: Sequence[tuple[list[str], int]]) -> tuple[Counter[str], Counter[str], Counter[str], int]:
    """Samples by group, by function itself, by function with what it called; and of all."""
    groups: Counter[str] = Counter()
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for frames, count in found:
        groups[group(frames[-1])] += count
        own[frames[-1]] += count
        for name in set(frames):
            whole[name] += count
    return groups, own, whole, sum(count for _, count in found)


def report(found: Sequence[tuple[list[str], int]]) -> str:
    """The three tables, in percent of all samples."""
    groups, own, whole, total = shares(found)
    titles = {"by group of modules": groups, "by function, itself": own, "by function, with what it calls": whole}
    lines = [f"{total} samples"]
    for title, counted in titles.items():
        lines += ["", title]
        lines += [f"{count / total:>7.1%}  {name}" for name, count in counted.most_common(SHOWN)]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile")
    parser.add_argument("--row", choices=[row.id for row in ROWS], default="chat-gemini")
    parser.add_argument("--callers", type=int, default=max(rows.CALLERS))
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args(arguments)
    row = next(row for row in ROWS if row.id == options.row)
    with client() as load, provider() as port, tempfile.TemporaryDirectory() as folder:
        env = {"GATEWAY_MASTER_KEY": litellm_proxy.KEY}
        with Profiled(Path(folder), models=configured(port), settings=SETTINGS, env=env) as gateway:
            asks = Target("gateway", gateway.port, gateway.pid, port).asks(row)
            result = load.play(Job(gateway.port, asks, options.callers, seconds=options.seconds))
            found = gateway.finish()
    print(f"{row.label}, {options.callers} callers: {result.done / result.seconds:.0f} requests/s while sampled")
    print(report(found))


if __name__ == "__main__":
    main(sys.argv[1:])

"""``python -m bench.retrieval.speed [--check] [--chunks N] [--seconds S]``: how long a search takes in a large index.

Three processes: one fills the index and ends; one asks, on an event loop like the gateway's, each question embedded on
this machine and searched by words and meaning; one writes all the while, as an ingest does and with its priority.
Exit code 1 with ``--check`` where the 95th percentile at a stated pace is over MOST_MS.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.figures import percentile
from bench.memory import resident
from bench.retrieval import questions
from gateway.retrieval import lance
from gateway.retrieval.local_embedder import LocalEmbedder
from gateway.retrieval.search import search
from gateway.retrieval.store import Store
from gateway.settings.schema import KnowledgeBase

CHUNKS = 100_000
SECONDS = 60.0
CALLERS = 16
#: A caller's time from one question to the next, in seconds.
PACE = 0.5
MOST_MS = 50.0
TICK = 0.01


class Row(NamedTuple):
    """Times of searches and how late the event loop was, all in milliseconds."""

    name: str
    taken: Sequence[float]
    late: Sequence[float]
    seconds: float

    def __str__(self) -> str:
        shares = "".join(f"{percentile(self.taken, share):>9.1f}" for share in (0.5, 0.95, 0.99))
        lag = "".join(f"{percentile(self.late, share):>9.1f}" for share in (0.95, 1.0))
        return f"{self.name:<44}{len(self.taken) / self.seconds:>7.1f}{shares}{lag}"


HEADER = f"{'milliseconds':<44}{'a sec.':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'lag p95':>9}{'lag max':>9}"


class Asking:
    """Callers that ask one index."""

    def __init__(self, store: Store, embedder: LocalEmbedder) -> None:
        self._store, self._embedder = store, embedder
        self._questions = [question.text for question in questions.load("questions.yaml")]

    async def row(self, name: str, seconds: float, pace: float) -> Row:
        """CALLERS ask for so long, each ``pace`` seconds from one question to the next; at once where it is 0."""
        taken: list[float] = []
        late: list[float] = []
        watching = asyncio.create_task(_watch(late))
        until = time.perf_counter() + seconds
        await asyncio.gather(*(self._caller(number, until, pace, taken) for number in range(CALLERS)))
        watching.cancel()
        return Row(name, taken, late, seconds)

    async def _caller(self, number: int, until: float, pace: float, taken: list[float]) -> None:
        due = time.perf_counter() + pace * number / CALLERS
        asked = number * 21
        while due < until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            started = time.perf_counter()
            found = await search(
                self._store, self._embedder, self._questions[asked % len(self._questions)], limit=3, threshold=0
            )
            if found.trouble or not found.passages:
                raise RuntimeError(found.trouble or "nothing was found")
            ended = time.perf_counter()
            taken.append((ended - started) * 1000)
            asked += 1
            due = due + pace if pace else ended


async def _watch(late: list[float]) -> None:
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        late.append((time.perf_counter() - due) * 1000)


async def ask(folder: Path, seconds: float) -> list[Row]:
    """Each row by itself, then with an ingest; prints them, and the memory taken."""
    before = resident()
    store = await lance.opened_for_reading(KnowledgeBase(store=str(folder)))
    if store is None:
        raise RuntimeError("there is no index")
    embedder = LocalEmbedder()
    asking = Asking(store, embedder)
    await embedder.embed(["warm"])
    await asking.row("to warm up", min(5.0, seconds), PACE)
    state = await store.state()
    print(f"{state.chunks:,} chunks, {state.embedded:,} embedded\n{HEADER}")
    paced = f"{CALLERS} callers, each every {PACE:g} s"
    rows = [await asking.row(paced, seconds, PACE)]
    print(rows[-1], flush=True)
    with _writing(folder):
        for name, lasts, pace in (
            (f"{paced}, an ingest", seconds, PACE),
            (f"{CALLERS} at once, an ingest", min(15.0, seconds), 0.0),
        ):
            rows.append(await asking.row(name, lasts, pace))
            print(rows[-1], flush=True)
    print(f"memory of the asking process: {before / 1e6:.0f} MB before, {resident() / 1e6:.0f} MB with the index")
    await store.aclose()
    await embedder.aclose()
    return rows


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "bench.retrieval.writer", "write", str(folder)])
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError("the ingest ended early")
    finally:
        process.terminate()
        process.wait()


def main() -> int:
    """Fill, ask, judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval.speed")
    parser.add_argument("--check", action="store_true", help=f"exit 1 where p95 is over {MOST_MS:g} ms")
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f"filling an index with {given.chunks:,} chunks", file=sys.stderr)
        fill = [sys.executable, "-m", "bench.retrieval.writer", "fill", folder, str(given.chunks)]
        subprocess.run(fill, check=True)
        rows = uvloop.run(ask(Path(folder), given.seconds))
    worst = max(percentile(row.taken, 0.95) for row in rows[:2])
    print(f"p95 at the stated pace: {worst:.1f} ms; promised: under {MOST_MS:g}")
    return 1 if given.check and not worst < MOST_MS else 0


if __name__ == "__main__":
    sys.exit(main())

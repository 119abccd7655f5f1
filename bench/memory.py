"""``python -m bench.memory [variant ...]``: what a million remembered turns take of a process's memory.

Each variant runs in a process of its own, which tells how much it has grown, at its end and at its peak.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway.contract import Owner, Turn
from gateway.memory import InProcessMemory
from gateway.settings.schema import MemoryBounds

TURNS = 1_000_000
MOST = 64 * 1024 * 1024
SCRIPTS = "abcdefgh ijkl", "éèüßñçø àá", "дательный п", "你好世界再见", "🙂🚀é a🎉"
#: Texts are slices of these, so that making them costs little beside remembering them.
POOLS = [script * (20_000 // len(script) + 1) for script in SCRIPTS]

Item = tuple[int, str]


def even(rng: random.Random, users: int, size: int, pool: str = POOLS[0]) -> Iterator[Item]:
    """Turns of one size by users in random order; each text is a string of its own."""
    while True:
        start = rng.randrange(100)
        yield rng.randrange(users), pool[start : start + size]


def mixed(rng: random.Random, users: int) -> Iterator[Item]:
    """10 bytes to 20 KB, small ones more often."""
    while True:
        size = int(10 * 2000 ** rng.random())
        yield rng.randrange(users), POOLS[0][:size]


def scripts(rng: random.Random, users: int) -> Iterator[Item]:
    while True:
        yield rng.randrange(users), rng.choice(POOLS)[: rng.randint(10, 500)]


def phases(rng: random.Random, users: int) -> Iterator[Item]:
    """All small, then all large, and so on: what one size leaves the next can't use, if the layout has holes."""
    while True:
        low, high = rng.choice([(10, 200), (900, 1100), (10, 20_000), (10, 60), (3000, 5000)])
        for _ in range(100_000):
            yield rng.randrange(users), POOLS[0][: rng.randint(low, high)]


VARIANTS: dict[str, Callable[[random.Random], Iterator[Item]]] = {
    "1 KB, 100,000 users": lambda rng: even(rng, 100_000, 1024),
    "1 KB, 1,000 users": lambda rng: even(rng, 1000, 1024),
    "1 KB, 5,000 users": lambda rng: even(rng, 5000, 1024),
    "20 B, 1,000,000 users": lambda rng: even(rng, 1_000_000, 20),
    "10 B to 20 KB, 100,000 users": lambda rng: mixed(rng, 100_000),
    "five scripts, 100,000 users": lambda rng: scripts(rng, 100_000),
    "sizes in phases, 100,000 users": lambda rng: phases(rng, 100_000),
}


def resident(field: str = "VmRSS") -> int:
    """This process's real memory in bytes; ``VmHWM`` is its peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024


async def measure(variant: str, turns: int, most: int) -> dict[str, Any]:
    """Growth in bytes, and what the memory says of itself, once ``turns`` were remembered and a fifth recalled."""
    rng = random.Random(variant)
    items = VARIANTS[variant](rng)
    await _fill(InProcessMemory(MemoryBounds(max_bytes=100_000)), items, 2000)  # what the code itself takes, once
    gc.collect()
    before = resident()
    memory = InProcessMemory(MemoryBounds(max_bytes=most))
    slowest, seconds = await _fill(memory, items, turns)
    used = memory.usage()
    return {
        "reported": used.bytes,
        "grown": resident() - before,
        "peak": resident("VmHWM") - before,
        "conversations": used.conversations,
        "mean_us": seconds / turns * 1e6,
        "slowest_us": slowest * 1e6,
    }


async def _fill(memory: InProcessMemory, items: Iterator[Item], turns: int) -> tuple[float, float]:
    """The slowest call and all calls together, in seconds of this process's own time."""
    slowest = total = 0.0
    for number in range(turns):
        user, text = next(items)
        owner, conversation = Owner(f"org-{user % 50}", f"user-{user}"), f"session-{user:016x}"
        half = len(text) // 4
        turn = Turn(text[:half], text[half:])
        if number % 5 == 0:
            await memory.recall(owner, conversation)
        started = time.thread_time()
        await memory.remember(owner, conversation, turn, 0)
        took = time.thread_time() - started
        total += took
        slowest = max(slowest, took)
    return slowest, total


def child(variant: str, turns: int, most: int) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    command = [sys.executable, "-m", "bench.memory", "--measure", variant, str(turns), str(most)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--measure"]:
        variant, turns, most = arguments[1:]
        print(json.dumps(asyncio.run(measure(variant, int(turns), int(most)))))
        return
    print(f"{TURNS:,} turns, at most {MOST / 1e6:.1f} MB\n")
    print("variant                          reported    grown     peak   ratio   conversations   µs, mean   slowest")
    for variant in arguments or VARIANTS:
        found = child(variant, TURNS, MOST)
        sizes = "".join(f"{found[name] / 1e6:>9.1f}" for name in ("reported", "grown", "peak"))
        times = f"{found['mean_us']:>11.1f}{found['slowest_us']:>10.0f}"
        print(f"{variant:<32}{sizes}{found['reported'] / found['grown']:>8.3f}{found['conversations']:>16,}{times}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""What a process and its children take of the machine, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """``pid`` and every process below it."""
    parents: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole tree so far, that of children that have ended included."""
    return sum(sum(int(field) for field in _stat(one)[11:15]) for one in tree(pid)) / TICK


def resident_mb(pid: int) -> float:
    """Resident memory of the whole tree, in units of 1,000,000 bytes."""
    return sum(_resident(one) for one in tree(pid)) / 1e6


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold anything; none where the process has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _resident(pid: int) -> int:
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    _, found, rest = status.partition("VmRSS:")
    return int(rest.split()[0]) * 1024 if found else 0

"""Keeps the usage over a restart: one JSON file beside the log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from gateway.usage import Ledger

Log = Callable[..., None]
NAME = "usage.json"
#: Seconds between two writings: what a process that is killed loses at most.
SAVE_SECONDS = 5.0


@asynccontextmanager
async def kept(folder: Path, log: Log, seconds: float = SAVE_SECONDS) -> AsyncGenerator[Ledger, None]:
    """A ledger that begins with what the file of ``folder`` holds, and is written there every ``seconds`` where it has
    changed, and at the end. A file that can't be read is set aside, and said so of."""
    file = _File(folder / NAME, Ledger(), log)
    await asyncio.to_thread(file.load)
    stop = asyncio.Event()
    saving = asyncio.create_task(file.save_until(stop, seconds))
    try:
        yield file.ledger
    finally:
        stop.set()
        await saving


class _File:
    """One file and the ledger that it is of."""

    def __init__(self, path: Path, ledger: Ledger, log: Log) -> None:
        self.ledger = ledger
        self._path = path
        self._log = log
        self._saved = ledger.revision
        self._failed = False

    def load(self) -> None:
        """Take in what it holds."""
        try:
            self.ledger.load(self._path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            aside = self._path.with_name(f"{NAME}.broken")
            with suppress(OSError):
                self._path.replace(aside)
            self._log("warning", "usage_file_broken", error=type(error).__name__, set_aside=aside.name)

    async def save_until(self, stop: asyncio.Event, seconds: float) -> None:
        """Save it from time to time, and at the end."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)
            await self.save()
        await self.save()  # it can have been stopped before it began

    async def save(self) -> None:
        """Replace the file where the ledger has changed, off the event loop, so that no request waits for the disk. A
        disk that is full is no reason not to answer."""
        revision = self.ledger.revision
        if revision == self._saved:
            return
        try:
            await asyncio.to_thread(_replace, self._path, self.ledger.dump())
        except Exception as error:
            if not self._failed:
                detail = error.strerror if isinstance(error, OSError) else None
                self._log("warning", "usage_not_written", error=type(error).__name__, detail=detail)
            self._failed = True
        else:
            self._saved, self._failed = revision, False


def _replace(path: Path, text: bytes) -> None:
    """Write ``path`` anew: who reads it, or starts after a crash, finds the old text or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

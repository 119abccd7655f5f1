"""How far an ingest has come: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm  # type: ignore[import-untyped]

BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Told of an ingest's parts, one after another."""

    def begin(self, what: str, total: int) -> None:
        """A part of ``total`` steps begins; the one before has ended."""

    def advance(self, count: int = 1) -> None:
        """So many steps are done."""

    def end(self) -> None:
        """The last part has ended."""


class Quiet:
    """Shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Nothing is shown."""

    def advance(self, count: int = 1) -> None:
        """Nothing is shown."""

    def end(self) -> None:
        """Nothing is shown."""


class Bar:
    """A bar that is drawn over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[None] | None = None

    def begin(self, what: str, total: int) -> None:
        """A new bar, below the last one."""
        from tqdm import tqdm  # noqa: PLC0415 - comes with the extra

        self.end()
        self._bar = tqdm(total=total, desc=what, file=self._stream, unit="", mininterval=0.2, dynamic_ncols=True)

    def advance(self, count: int = 1) -> None:
        """Moves it."""
        if self._bar is not None:
            self._bar.update(count)

    def end(self) -> None:
        """Leaves it as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """A line when a part begins and ends, and at most every ten seconds in between."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._what = ""
        self._total = self._done = self._shown = 0
        self._last = 0.0

    def begin(self, what: str, total: int) -> None:
        """The part's first line."""
        self.end()
        self._what, self._total, self._done = what, total, 0
        self._show()

    def advance(self, count: int = 1) -> None:
        """A line, if the last one is old."""
        self._done += count
        if time.monotonic() - self._last >= BETWEEN_LINES:
            self._show()

    def end(self) -> None:
        """The part's last line, if it says something new."""
        if self._what and self._shown != self._done:
            self._show()
        self._what = ""

    def _show(self) -> None:
        print(f"{self._what}: {self._done} of {self._total}", file=self._stream, flush=True)
        self._shown, self._last = self._done, time.monotonic()


def progress(stream: TextIO = sys.stderr) -> Progress:
    """What suits ``stream``."""
    return Bar(stream) if stream.isatty() else Lines(stream)

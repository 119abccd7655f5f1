"""A malformed event in a stream: was it only noise, or is a piece of the answer lost with it?

It is passed over where the answer is known to be whole without it: it was split in two, it was sent again, or, at
the end, the provider counted as many tokens as pieces came. Otherwise what comes after it is never given out.
"""

from __future__ import annotations

import re

from gateway.bounded_json import loads
from gateway.lanes.progress import Progress
from gateway.lanes.wire import Json
from gateway.upstream.failures import Failure, Kind

#: The text of an event of either wire, also where the event ends within it.
TEXT = re.compile(
    rb'"(?:content|text|refusal|reasoning_content|reasoning|arguments)"\s*:\s*"((?:[^"\\]|\\.)*+)("?)', re.DOTALL
)
BLANK = re.compile(rb"(?:\s|\\[nrtbf])*+")
#: A text that breaks off before so many bytes can begin like the next one by chance.
TELLING_BYTES = 8


class Mender:
    """Reads one stream's events. While it is ``doubtful`` whether all has come, nothing more may be given out."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._broken: bytes | None = None
        self.doubtful = False

    def read(self, event: bytes) -> Json | None:
        """The event's object; None where it is none. Raises Failure(GARBAGE) where a piece is missing before it."""
        data = _object(event)
        if data is not None and self._broken is None:
            return data
        return self._mended(event, data)

    def _mended(self, event: bytes, data: Json | None) -> Json | None:
        if not event.strip():  # an empty event keeps the connection alive
            return None
        broken, self._broken = self._broken, None
        if data is None and broken is not None:
            data = _object(broken + event)
            if data is not None:
                return data
        if broken is not None:
            self._judge(broken, event)
        if data is None:
            self._broken = event
        return data

    def _judge(self, broken: bytes, following: bytes) -> None:
        """Whether ``following`` is the broken event once more."""
        if self._progress.over:  # nothing of the answer can be missing
            return
        said, ended = _text(broken)
        again = _text(following)[0]
        if not (again == said if ended else again.startswith(said)):
            raise _missing()
        if not ended and len(said) < TELLING_BYTES:
            self.doubtful = True

    def settled(self) -> bool:
        """Whether what has come can be given out; raises Failure(GARBAGE) where the tokens show that it can't."""
        if self.doubtful and self._progress.complete:
            if self._progress.tokens != self._progress.brought:
                raise _missing()
            self.doubtful = False
        return not self.doubtful

    def end(self) -> None:
        """The stream is over; raises Failure(GARBAGE) where a doubt is left."""
        if not self.settled() or (self._broken is not None and not self._progress.over):
            raise _missing()


def _missing() -> Failure:
    return Failure(Kind.GARBAGE, "an event of the stream can't be read")


def _object(event: bytes) -> Json | None:
    try:
        data = loads(event)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _text(event: bytes) -> tuple[bytes, bool]:
    """The first text of an event that is not blank, as it is written in JSON, and whether it ends there."""
    for found in TEXT.finditer(event):
        if not BLANK.fullmatch(found[1]):
            return found[1], bool(found[2])
    return b"", False

"""A malformed event in a stream: was it only noise, or is a piece of the answer lost with it?

Split in two it is put together. Otherwise the end tells: it is passed over where the provider counted as many tokens
as pieces came without it. That the next event says the same proves nothing: "0" follows "0" in many a number.
"""

from __future__ import annotations

from gateway.bounded_json import loads, loads_all
from gateway.lanes.progress import Progress
from gateway.lanes.wire import Json
from gateway.upstream.failures import Failure, Kind


class Mender:
    """Reads one stream's events. While it is ``doubtful`` whether all has come, nothing more may be given out."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._broken: bytes | None = None
        self.doubtful = False

    def read(self, event: bytes) -> Json | None:
        """The event's object; None where it is none."""
        data = _object(event)
        if data is not None and self._broken is None:
            return data
        return self._mended(event, data)

    def read_all(self, events: list[bytes]) -> list[Json] | None:
        """The objects of several events, read at once; None where each is to be looked at by itself."""
        if self._broken is not None:
            return None
        try:
            values = loads_all(events)
        except ValueError:
            return None
        return values if all(type(value) is dict for value in values) else None

    def _mended(self, event: bytes, data: Json | None) -> Json | None:
        if not event.strip():  # an empty event keeps the connection alive
            return None
        broken, self._broken = self._broken, None
        if data is None and broken is not None:
            data = _object(broken + event)
            if data is not None:
                return data
        if broken is not None and not self._progress.over:  # once all has finished nothing can be missing
            self.doubtful = True
        if data is None:
            self._broken = event
        return data

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

"""Reads server-sent events from a provider's byte stream, as the WHATWG specification defines them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.upstream.failures import Failure, Kind

MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventParser:
    """Turns bytes, however they are cut, into the ``data`` of whole events. Only ``data`` is of interest."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, received: bytes) -> list[bytes]:
        """The events that ``received`` completes; raises Failure where one grows beyond all measure."""
        # A lone CR as a line end is in the specification and used by no provider; CRLF and LF are.
        *lines, self._rest = (self._rest + received).split(b"\n")
        self._size += len(received)
        if self._size > MAX_EVENT_BYTES:
            raise Failure(Kind.GARBAGE, f"an event is over {MAX_EVENT_BYTES} bytes")
        events = []
        for line in lines:
            event = self._line(line.removesuffix(b"\r"))
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            self._size = len(self._rest)
            return self._take()
        if line.startswith(b"data:"):
            value = line[5:]
            self._data.append(value[1:] if value.startswith(b" ") else value)
        return None

    def flush(self) -> bytes | None:
        """What stands at the end of the stream without the blank line that should close it."""
        event = self._line(self._rest.removesuffix(b"\r"))
        self._rest = b""
        return self._take() if event is None else event

    def _take(self) -> bytes | None:
        event = b"\n".join(self._data) if self._data else None
        self._data.clear()
        return event


async def events(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The ``data`` of each event of ``stream``. One cut in half by the end is given as it is: it won't parse."""
    parser = EventParser()
    async for received in stream:
        for event in parser.feed(received):
            yield event
    last = parser.flush()
    if last is not None:
        yield last

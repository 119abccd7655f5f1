"""Reads server-sent events from a provider's byte stream, as the WHATWG specification defines them."""

from __future__ import annotations

from gateway.upstream.failures import Failure, Kind

MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventParser:
    """Turns bytes, however they are cut, into the ``data`` of whole events. Only ``data`` is of interest."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # of a line whose end has not come; joined once, when it comes
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, received: bytes) -> list[bytes]:
        """The events that ``received`` completes; raises Failure where one grows beyond all measure."""
        self._size += len(received)
        if self._size > MAX_EVENT_BYTES:
            raise Failure(Kind.GARBAGE, f"an event is over {MAX_EVENT_BYTES} bytes")
        ends = received.count(b"\n")
        if not ends:
            self._rest.append(received)
            return []
        if ends == 2 and not self._rest and not self._data and received[:6] == b"data: ":
            for end in (b"\n\n", b"\r\n\r\n"):  # most reads are one event, which needs no searching
                if received.endswith(end):
                    self._size = 0
                    return [received[6 : -len(end)].removesuffix(b"\r")]
        # A lone CR as a line end is in the specification and used by no provider; CRLF and LF are.
        *lines, rest = (b"".join(self._rest) + received if self._rest else received).split(b"\n")
        self._rest = [rest] if rest else []
        events = []
        for line in lines:
            event = self._line(line.removesuffix(b"\r"), len(rest))
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: bytes, rest: int = 0) -> bytes | None:
        if not line:
            self._size = rest
            return self._take()
        if line.startswith(b"data:"):
            value = line[5:]
            self._data.append(value[1:] if value.startswith(b" ") else value)
        return None

    def flush(self) -> bytes | None:
        """What stands at the end of the stream without the blank line that should close it."""
        event = self._line(b"".join(self._rest).removesuffix(b"\r"))
        self._rest = []
        return self._take() if event is None else event

    def _take(self) -> bytes | None:
        event = b"\n".join(self._data) if self._data else None
        self._data.clear()
        return event

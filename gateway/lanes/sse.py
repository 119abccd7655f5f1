"""Reads server-sent events from a provider's byte stream, as the WHATWG specification defines them."""

from __future__ import annotations

from gateway.upstream.failures import Failure, Kind

MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventParser:
    """Turns bytes, however they are cut, into the ``data`` of whole events, each of ``most`` bytes. Only ``data`` is of
    interest."""

    def __init__(self, most: int = MAX_EVENT_BYTES) -> None:
        self._most = most
        self._rest: list[bytes] = []  # of a line whose end has not come; joined once, when it comes
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, received: bytes) -> list[bytes]:
        """The events that ``received`` completes; raises Failure where one grows beyond all measure."""
        self._size += len(received)
        if self._size > self._most:
            raise Failure(Kind.GARBAGE, f"an event is over {self._most} bytes")
        ends = received.count(b"\n")
        if not ends:
            self._rest.append(received)
            return []
        if not self._rest and not self._data:
            events = _whole_events(received, ends)
            if events:
                self._size = 0
                return events
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


def _whole_events(received: bytes, ends: int) -> list[bytes]:
    """The events of a read that holds whole ones of one line each and nothing else, as most do; else nothing."""
    if received[:6] != b"data: ":
        return []
    end = b"\r\n\r\n" if b"\r" in received else b"\n\n"
    if not received.endswith(end):
        return []
    events = received[6 : -len(end)].split(end + b"data: ")
    plain = ends == 2 * len(events) and not any(b"\r" in event for event in events)
    return events if plain else []

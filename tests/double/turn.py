"""One call being answered: what the healthy reply is, and the means to send it, or something else."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal

import orjson

from .ask import Answer, Ask, compose
from .calls import Call, Outcome
from .connection import SLICE, Connection
from .manner import Manner
from .wire import Event, Problem, Wire, encode

JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"
HTML = "text/html; charset=utf-8"
REASONS = {status.value: status.phrase for status in HTTPStatus}

How = Literal["rst", "fin"]


@dataclass(slots=True)
class Settings:
    """Healthy latencies, seconds: before the first byte, and between two events of a stream; and the manner."""

    latency: float = 0.0
    interval: float = 0.0
    manner: Manner = field(default_factory=Manner)


def dumped(value: Any) -> bytes:
    """The JSON of `value`; bytes are left as they are."""
    return value if isinstance(value, bytes) else orjson.dumps(value)


class Turn:
    """A call and its connection. `ask` is set for chat; of any other reply `payload` is the body, a JSON value or
    bytes, or `listed` the events it is streamed in; `media` is its content type, where that is not the usual one."""

    def __init__(self, connection: Connection, call: Call, wire: Wire, settings: Settings) -> None:
        self.connection = connection
        self.call = call
        self.wire = wire
        self.settings = settings
        self.ask: Ask | None = None
        self.payload: Any = None
        self.listed: tuple[Event, ...] | None = None
        self.media = ""
        self.operation = ""
        self.key = ""
        self.keep_alive = True
        self.log_end: Callable[[Call, Outcome], None] = lambda call, outcome: None

    # the healthy reply

    @property
    def streams(self) -> bool:
        """Whether the healthy reply comes in pieces: server-sent events where `ask` wants them."""
        return self.listed is not None or (self.ask is not None and self.ask.stream)

    @property
    def kind(self) -> str:
        """The content type of the healthy reply."""
        return self.media or (SSE if self.streams else JSON)

    @cached_property
    def answer(self) -> Answer:
        """The model's answer; faults put another in its place. Chat only."""
        assert self.ask is not None
        return compose(self.ask, self.settings.manner)

    def json(self) -> Any:
        """The JSON value of the whole reply, or its bytes."""
        return self.payload if self.ask is None else self.wire.plain(self.ask, self.answer)

    def body(self) -> bytes:
        """The whole reply as it goes over the wire."""
        return dumped(self.json())

    def events(self) -> Iterator[Event]:
        """The events of the streamed reply."""
        if self.listed is not None:
            return iter(self.listed)
        assert self.ask is not None
        return self.wire.events(self.ask, self.answer)

    def encoded(self, event: Event) -> bytes:
        """The event's bytes."""
        if isinstance(event.data, bytes):
            return event.data
        data = event.data.encode() if isinstance(event.data, str) else orjson.dumps(event.data)
        return (f"event: {event.name}\n".encode() if event.name else b"") + encode(self.wire, data)

    # sending

    def head(self, status: int, kind: str, length: int | None, extra: Mapping[str, str] | None = None) -> bytes:
        """Status line and headers; `length` in bytes, None for a chunked body."""
        size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", f"content-type: {kind}", size]
        headers = {**self.wire.headers(self.call.id), **(extra or {})}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self.keep_alive:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send_now(
        self, body: bytes, status: int = 200, extra: Mapping[str, str] | None = None, kind: str = JSON
    ) -> None:
        """Writes a whole small reply at once."""
        self.connection.write(self.head(status, kind, len(body), extra) + body)

    async def send(
        self, body: bytes, status: int = 200, kind: str = JSON, extra: Mapping[str, str] | None = None
    ) -> None:
        """Writes a whole reply of any size, no faster than the client reads it."""
        head = self.head(status, kind, len(body), extra)
        if len(body) < SLICE:
            self.connection.write(head + body)
        else:
            self.connection.write(head)
            await self.connection.write_slowly(body)

    async def send_problem(self, problem: Problem) -> None:
        """Writes an error reply; a body that is a string goes out as it is, as text."""
        raw = isinstance(problem.body, str)
        body = problem.body.encode() if raw else orjson.dumps(problem.body)
        await self.send(body, problem.status, "text/plain; charset=utf-8" if raw else JSON, problem.headers)

    def open_stream(self, extra: Mapping[str, str] | None = None) -> None:
        """Writes the head of a stream."""
        self.connection.write(self.head(200, self.kind, None, {"cache-control": "no-cache", **(extra or {})}))

    async def send_chunk(self, data: bytes) -> None:
        """Writes bytes of a chunked body."""
        self.connection.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.connection.drain()

    async def send_event(self, data: bytes) -> None:
        """Writes an encoded event and counts it."""
        self.call.chunks_sent += 1
        await self.send_chunk(data)

    async def send_events(self, events: Iterable[Event], interval: float | None = None) -> None:
        """Writes events: `interval` seconds before each, or the settings' seconds between two."""
        pace = self.settings.interval if interval is None else interval
        for event in events:
            if pace and (interval is not None or self.call.chunks_sent):
                await asyncio.sleep(pace)
            await self.send_event(self.encoded(event))

    def close_stream(self) -> None:
        """Ends a chunked body as HTTP wants it ended."""
        self.connection.write(b"0\r\n\r\n")

    async def deliver(self, interval: float | None = None) -> None:
        """Sends the healthy reply after the settings' latency."""
        await asyncio.sleep(self.settings.latency)
        if self.streams:
            self.open_stream()
            await self.send_events(self.events(), interval)
            self.close_stream()
        else:
            await self.send(self.body(), kind=self.kind)

    # breaking off

    async def hang_up(self, how: How) -> None:
        """Closes the connection after what was written: a reset or a clean end."""
        if how == "rst":
            await self.connection.reset()
        else:
            self.connection.hang_up()

    async def hang(self, seconds: float | None) -> None:
        """Does nothing for that long; None: until the client leaves."""
        await asyncio.sleep(10**6 if seconds is None else seconds)

    def end(self, outcome: Outcome) -> None:
        """The call is over."""
        self.log_end(self.call, outcome)
        self.connection.done()

"""``python -m bench.load``: asks a target for as long, or as often, as it is told; one JSON line in, one out.

A process of its own, so that what it costs is not counted as the target's. Its client is small: connections that are
kept open, httptools for HTTP, a check that each reply is a 200, whole, and holds what it must.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import httptools
import orjson
import uvloop

STAMP = re.compile(rb"<(\d{9,})>")
#: As long as an error's text is kept.
EXCERPT = 300
SILENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request as bytes. A reply must hold all of ``holds`` and as many ``events``; it speaks once ``token`` is in
    it; ``stamped``: each chunk says when it was sent."""

    data: bytes
    holds: tuple[bytes, ...]
    token: bytes
    events: int
    stamped: bool

    def met(self, body: bytearray) -> bool:
        """Whether ``body`` is what was asked for, and whole."""
        return all(part in body for part in self.holds) and body.count(b"data: ") >= self.events


@dataclass(slots=True)
class Result:
    """What the callers saw. Times in microseconds: ``latency`` to a reply's end, ``first`` to its token, ``late`` of
    stamped chunks; ``error`` is the first that went wrong."""

    done: int = 0
    failed: int = 0
    error: str = ""
    seconds: float = 0.0
    latency: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)


class Caller(asyncio.Protocol):
    """One connection with one request under way at a time; ``finished`` is called after each."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._request: Request | None = None
        self._body = bytearray()
        self._started = self._spoke = self._seen = 0
        self._close = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        """Send the next request, or end where there is none."""
        assert self._transport is not None
        self._request = self._load.next()
        if self._request is None:
            self._transport.close()
            self._load.left()
            return
        self._body.clear()
        self._spoke = self._seen = 0
        self._started = time.monotonic_ns()
        self._transport.write(self._request.data)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._over(f"not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._request is not None:
            self._over(f"the connection was lost: {exc}")

    def on_body(self, body: bytes) -> None:
        self._body += body
        request = self._request
        if request is None:
            return
        if not self._spoke and request.token in self._body:
            self._spoke = time.monotonic_ns()
        if request.stamped:
            self._stamps()

    def _stamps(self) -> None:
        now = time.monotonic_ns()
        for found in STAMP.finditer(self._body, self._seen):
            self._load.result.late.append((now - int(found[1])) // 1000)
            self._seen = found.end()

    def on_message_complete(self) -> None:
        request, now = self._request, time.monotonic_ns()
        if request is None:
            return
        status = self._parser.get_status_code()
        self._close = not self._parser.should_keep_alive()
        if status != 200 or not request.met(self._body):
            self._over(f"{status}: {bytes(self._body[:EXCERPT])!r} ... {bytes(self._body[-EXCERPT:])!r}")
            return
        result = self._load.result
        result.done += 1
        result.latency.append((now - self._started) // 1000)
        result.first.append(((self._spoke or now) - self._started) // 1000)
        self._request = None
        if self._close:
            self._again()
        else:
            self.ask()

    def _over(self, error: str) -> None:
        self._load.result.failed += 1
        self._load.result.error = self._load.result.error or error
        self._request = None
        self._again()

    def _again(self) -> None:
        """Go on, on a new connection."""
        if self._transport is not None:
            self._transport.abort()
        self._load.connect()


class Load:
    """``callers`` that ask one after another until ``seconds`` are over, or ``count`` requests were sent."""

    def __init__(
        self, port: int, requests: list[Request], callers: int, seconds: float | None, count: int | None
    ) -> None:
        self.result = Result()
        self._port = port
        self._requests: Iterator[Request] = itertools.cycle(requests)
        self._callers = callers
        self._seconds = seconds
        self._left = count
        self._end = 0.0
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connecting: deque[asyncio.Task[None]] = deque(maxlen=4096)

    def next(self) -> Request | None:
        """The next request, or None where no more is to be sent."""
        if self._left is not None:
            self._left -= 1
            return next(self._requests) if self._left >= 0 else None
        return next(self._requests) if time.monotonic() < self._end else None

    def left(self) -> None:
        """A caller has ended."""
        self._callers -= 1
        if not self._callers and not self._over.done():
            self._over.set_result(None)

    def connect(self) -> None:
        """One more connection; where there is none to be had the caller ends."""
        self._connecting.append(asyncio.ensure_future(self._open()))

    async def _open(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: Caller(self), "127.0.0.1", self._port)
        except OSError as error:
            self.result.failed += 1
            self.result.error = self.result.error or f"no connection: {error}"
            self.left()

    async def run(self) -> Result:
        """All of it; what does not end in time counts as one failure."""
        started = time.monotonic()
        self._end = started + (self._seconds or 0)
        for _ in range(self._callers):
            self.connect()
        try:
            await asyncio.wait_for(self._over, (self._seconds or 600) + SILENCE_SECONDS)
        except TimeoutError:
            self.result.failed += 1
            self.result.error = self.result.error or "no answer in time"
        self.result.seconds = time.monotonic() - started
        return self.result


def _request(one: dict[str, Any]) -> Request:
    holds = tuple(part.encode() for part in one["holds"])
    return Request(one["data"].encode(), holds, one["token"].encode(), one["events"], one["stamped"])


async def play(line: bytes) -> bytes:
    """One job: see ``bench.client.Job``, which writes it."""
    job = orjson.loads(line)
    requests = [_request(one) for one in job["requests"]]
    load = Load(job["port"], requests, job["callers"], job["seconds"], job["count"])
    gc.collect()
    return orjson.dumps(await load.run())


def main() -> None:
    """Jobs from standard input until it ends."""
    gc.freeze()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(uvloop.run(play(line)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

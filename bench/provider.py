"""``python -m bench.provider``: a provider that costs little, so that what is measured is what stands before it.

It speaks OpenAI's and Gemini's wire from prepared bytes, always with the same text: whole, or in 20 chunks, each
written in a turn of the event loop of its own, as a provider's come one by one. What is asked of it by marks in a
request: ``[[slow]]`` a chunk a second, which says when it was sent; a model named ``flaky...`` always fails.
Where JSON is asked for, the text is a modal's payload. Prints ``{"port": ...}`` once it listens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import httptools
import orjson
import uvloop

from bench import replies

SLOW = b"[[slow]]"
FLAKY = b"flaky"
SECONDS = 20
#: What stands in a slow chunk: nanoseconds of CLOCK_MONOTONIC, which is one clock for all processes.
STAMP = "<{}> "
JSON_ASKED = (b'"response_format"', b'"response_mime_type"', b'"responseMimeType"')


@dataclass(frozen=True, slots=True)
class Wire:
    """Prepared replies of one wire, each as its writes."""

    name: str
    fault: Sequence[bytes]
    whole: dict[bool, Sequence[bytes]]  # by whether JSON is asked for
    streamed: dict[bool, Sequence[bytes]]
    other: dict[bool, Sequence[bytes]]  # with usage (OpenAI), as an array (Gemini)


def _wires() -> tuple[Wire, Wire]:
    texts = {False: replies.TEXT, True: replies.PAYLOAD}
    openai = Wire(
        "openai",
        [replies.refusal("openai")],
        {json: [replies.openai_whole(text)] for json, text in texts.items()},
        {json: replies.openai_stream(text, usage=False) for json, text in texts.items()},
        {json: replies.openai_stream(text, usage=True) for json, text in texts.items()},
    )
    gemini = Wire(
        "gemini",
        [replies.refusal("gemini")],
        {json: [replies.gemini_whole(text)] for json, text in texts.items()},
        {json: replies.gemini_stream(text) for json, text in texts.items()},
        {json: replies.gemini_array(text) for json, text in texts.items()},
    )
    return openai, gemini


OPENAI, GEMINI = _wires()


def answer(path: bytes, body: bytes) -> tuple[Wire, Sequence[bytes]]:
    """The wire, and the writes of a reply to a request on ``path``."""
    asks_json = any(mark in body for mark in JSON_ASKED)
    if b"enerateContent" in path:
        if FLAKY in path:
            return GEMINI, GEMINI.fault
        if b":stream" not in path:
            return GEMINI, GEMINI.whole[asks_json]
        return GEMINI, (GEMINI.streamed if b"alt=sse" in path else GEMINI.other)[asks_json]
    if FLAKY in body:
        return OPENAI, OPENAI.fault
    if b'"stream":true' not in body and b'"stream": true' not in body:
        return OPENAI, OPENAI.whole[asks_json]
    usage = b'"include_usage":true' in body or b'"include_usage": true' in body
    return OPENAI, (OPENAI.other if usage else OPENAI.streamed)[asks_json]


def slow(wire: Wire, array: bool) -> Iterator[bytes]:
    """The writes of a slow stream, one a second; each says when it was made."""
    for number in range(SECONDS):
        text, last = STAMP.format(time.monotonic_ns()), number == SECONDS - 1
        if wire is OPENAI:
            first = replies.opening(replies.SSE) + replies.framed(replies.openai_opening())
            yield (b"" if number else first) + replies.framed(replies.openai_event({"content": text}))
        elif array:
            event = orjson.dumps(replies.gemini_reply(text, number + 1, "STOP" if last else None))
            start = b",\r\n" if number else b"["
            framed = replies.framed(start + event + (b"\n]\n" if last else b"\n"))
            yield (b"" if number else replies.opening(replies.JSON)) + framed
        else:
            event = replies.gemini_event(text, number + 1, "STOP" if last else None)
            yield (b"" if number else replies.opening(replies.SSE)) + replies.framed(event)
    rest = b"".join(replies.framed(event) for event in replies.openai_closing(usage=True)) if wire is OPENAI else b""
    yield rest + replies.END


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered one after another."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = b""
        self._body = b""
        self._writes: Iterator[bytes] = iter(())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport:
                self._transport.close()

    def on_message_begin(self) -> None:
        self._path = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        wire, writes = answer(self._path, self._body)
        if SLOW in self._body:
            self._writes = slow(wire, b"alt=sse" not in self._path)
            self._next_second(self._loop.time())
            return
        self._writes = iter(writes)
        self._next()

    def _next(self) -> None:
        """One write a turn of the loop."""
        if self._transport is None:
            return
        data = next(self._writes, None)
        if data is not None:
            self._transport.write(data)
            self._loop.call_soon(self._next)

    def _next_second(self, due: float) -> None:
        if self._transport is None:
            return
        data = next(self._writes, None)
        if data is not None:
            self._transport.write(data)
            ends = data.endswith(replies.END)
            self._loop.call_at(due if ends else due + 1, self._next_second, due + 1)


async def serve() -> None:
    """Listen on a free port until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=4096)
    print(orjson.dumps({"port": server.sockets[0].getsockname()[1]}).decode(), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())

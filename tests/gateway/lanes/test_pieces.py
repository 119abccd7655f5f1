"""Over a real connection: a server that sends what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.contract import Call, Identity, Operation, Surface
from gateway.lanes.openai_stream import OpenAIGatherer, OpenAIStream
from gateway.lanes.pieces import pieces
from gateway.lanes.progress import Progress
from gateway.lanes.reading import Gathered, Reading, Streamed
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

Says = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
LIMIT = 1_000_000


def event(data: str) -> bytes:
    text = f"data: {data}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(text), text)


def word(text: str, finish: str = "null") -> bytes:
    return event(f'{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}')


FINISHED = word("", '"stop"')


@asynccontextmanager
async def reply(says: Says) -> AsyncIterator[aiohttp.ClientResponse]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        await says(writer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
        yield response


def reading(*, gathered: bool) -> Reading:
    about = {"surface": Surface.V1, "operation": Operation.CHAT, "params": {}, "identity": Identity("127.0.0.1")}
    call = Call(request_id="r", model="m", **about)  # type: ignore[arg-type]
    progress = Progress.of(call)
    if gathered:
        return Gathered(OpenAIGatherer(progress), lambda data: data, LIMIT)
    return Streamed(
        OpenAIStream(Deployment(id="d", group="d", provider="openai", model="m", lane="lean"), progress), LIMIT
    )


async def read(says: Says, *, gathered: bool, tail: float = 30) -> list[bytes]:
    taken = []
    async with reply(says) as response:
        listener = reading(gathered=gathered)
        async for piece in pieces(response, listener, tail, gathered=gathered):
            list(listener.feed(piece))
            taken.append(piece)
    return taken


def text(*events: bytes) -> bytes:
    return b"".join(sent.split(b"\r\n", 1)[1].removesuffix(b"\r\n") for sent in events)


@pytest.mark.parametrize("gathered", [False, True])
async def test_all_of_it_comes_in_its_order(gathered: bool) -> None:
    words = [word(f"w{number} ") for number in range(50)]

    async def says(writer: asyncio.StreamWriter) -> None:
        for sent in (*words, FINISHED):
            writer.write(sent)
            await asyncio.sleep(0)
        writer.write(END)

    assert b"".join(await read(says, gathered=gathered)) == text(*words, FINISHED)


async def test_what_is_gathered_is_taken_in_few_pieces_and_its_end_at_once() -> None:
    async def says(writer: asyncio.StreamWriter) -> None:
        for number in range(40):
            writer.write(word(f"w{number} "))
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write(FINISHED + END)

    streamed = await read(says, gathered=False)
    gathered = await read(says, gathered=True)
    assert b"".join(gathered) == b"".join(streamed)
    assert len(gathered) < len(streamed)


async def test_a_provider_that_ends_but_does_not_close_is_waited_for_as_long_as_the_tail() -> None:
    leave = asyncio.Event()

    async def says(writer: asyncio.StreamWriter) -> None:
        writer.write(word("hi") + FINISHED)
        await leave.wait()

    assert b"".join(await read(says, gathered=True, tail=0.05)) == text(word("hi"), FINISHED)
    leave.set()


async def lost(writer: asyncio.StreamWriter) -> None:
    """What was sent arrives, and then the connection ends in the middle of the message."""
    await writer.drain()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("gathered", [False, True])
async def test_a_connection_lost_in_the_middle_is_a_failure_after_what_came(gathered: bool) -> None:
    async def says(writer: asyncio.StreamWriter) -> None:
        writer.write(word("hi"))
        await lost(writer)
        writer.write(word("ho"))

    with pytest.raises(Failure) as caught:
        await read(says, gathered=gathered)
    assert caught.value.kind is Kind.CUT


@pytest.mark.parametrize("gathered", [False, True])
async def test_one_lost_after_all_was_said_is_none(gathered: bool) -> None:
    """Also where the end and the loss come in the same moment, with nothing read between them."""

    async def says(writer: asyncio.StreamWriter) -> None:
        writer.write(word("hi"))
        await lost(writer)
        writer.write(word("ho") + FINISHED)

    assert b"".join(await read(says, gathered=gathered)) == text(word("hi"), word("ho"), FINISHED)

"""Faults of the connection: it breaks, or says nothing, or says it slowly."""

import asyncio
from collections.abc import Iterator

from ..turn import Turn
from .registry import Milliseconds, Seconds, fault

TRICKLED_PIECES = 10


@fault()
async def reset(turn: Turn) -> None:
    """RST before any byte."""
    turn.connection.reset_now()


@fault()
async def close(turn: Turn) -> None:
    """A clean end (FIN) before any byte."""
    turn.connection.hang_up()


@fault()
async def silence(turn: Turn, *, seconds: Seconds | None = None) -> None:
    """No byte until the client leaves, or for `seconds`, then FIN."""
    await turn.hang(seconds)
    turn.connection.hang_up()


@fault()
async def headers_then_silence(turn: Turn, *, seconds: Seconds | None = None) -> None:
    """200 and the headers of a stream, then nothing; after `seconds`, FIN.

    Plain call: the headers of the healthy reply, its Content-Length included, then nothing.
    """
    if turn.streams:
        turn.open_stream()
    else:
        turn.connection.write(turn.head(200, turn.kind, len(turn.body())))
    await turn.hang(seconds)
    turn.connection.hang_up()


@fault(healthy=True)
async def slow_first_token(turn: Turn, *, seconds: Seconds) -> None:
    """The headers at once, the first event after `seconds`, then as usual. Plain call: all that late."""
    if turn.streams:
        turn.open_stream()
        await turn.hang(seconds)
        await turn.send_events(turn.events())
        turn.close_stream()
    else:
        await turn.hang(seconds)
        await turn.deliver()


@fault(healthy=True)
async def trickle(turn: Turn, *, interval_ms: Milliseconds) -> None:
    """`interval_ms` before each event, also the first. Plain call: the body in ten pieces, each that late."""
    if turn.streams:
        await turn.deliver(interval_ms / 1000)
        return
    body = turn.body()
    turn.connection.write(turn.head(200, turn.kind, len(body)))
    await _piecewise(turn, body, -(-len(body) // TRICKLED_PIECES), interval_ms)


@fault(healthy=True)
async def crawl_body(turn: Turn, *, interval_ms: Milliseconds = 10) -> None:
    """The body byte by byte, `interval_ms` (whole ones) before each. Stream: the bytes of its events."""
    body = b"".join(_counted(turn)) if turn.streams else turn.body()
    turn.connection.write(turn.head(200, turn.kind, len(body)))
    await _piecewise(turn, body, 1, interval_ms)


def _counted(turn: Turn) -> Iterator[bytes]:
    for event in turn.events():
        turn.call.chunks_sent += 1
        yield turn.encoded(event)


async def _piecewise(turn: Turn, body: bytes, size: int, interval_ms: float) -> None:
    for start in range(0, len(body), size):
        await asyncio.sleep(interval_ms / 1000)
        turn.connection.write(body[start : start + size])
        await turn.connection.drain()

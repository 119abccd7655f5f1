"""Faults in mid-stream. A chunk is a server-sent event: OpenAI's first one carries the role and no text,
its last ones the finish reason, the usage if asked for, and `[DONE]`; Gemini's all carry text."""

from dataclasses import replace
from itertools import islice
from typing import Annotated

import orjson
from pydantic import Field

from ..turn import How, Turn, dumped
from ..wire import encode
from .registry import Count, Seconds, fault


async def _part_of_body(turn: Turn, size: int | None = None) -> None:
    """The headers of the healthy plain reply and its first `size` bytes (half of them)."""
    body = turn.body()
    part = body[: len(body) // 2 if size is None else size]
    turn.connection.write(turn.head(200, turn.kind, len(body)) + part)
    await turn.connection.drain()


@fault()
async def cut(turn: Turn, *, after_chunks: Count = 1, how: How = "rst") -> None:
    """The connection breaks after N events, by RST or by FIN without the end of the chunked body.

    Plain call: Content-Length of the whole body, half of it, then closed.
    """
    if turn.streams:
        turn.open_stream()
        await turn.send_events(islice(turn.events(), after_chunks))
    else:
        await _part_of_body(turn)
    await turn.hang_up(how)


@fault()
async def cut_bytes(turn: Turn, *, after_bytes: Count, how: How = "rst") -> None:
    """The connection breaks after N bytes of the SSE body, chunk framing not counted; plain: of the body."""
    if not turn.streams:
        await _part_of_body(turn, after_bytes)
        await turn.hang_up(how)
        return
    turn.open_stream()
    left = after_bytes
    for event in turn.events():
        data = turn.encoded(event)[:left]
        if not data:
            break
        left -= len(data)
        await turn.send_event(data)
    await turn.hang_up(how)


@fault()
async def stall(turn: Turn, *, after_chunks: Count = 1, seconds: Seconds | None = None, close: bool = False) -> None:
    """Stops after N events with the connection open; after `seconds` goes on to a healthy end, or closes it.

    Plain call: stops after half the body.
    """
    if not turn.streams:
        await _part_of_body(turn)
        await turn.hang(seconds)
        body = turn.body()
        turn.connection.write(b"" if close else body[len(body) // 2 :])
        if close:
            turn.connection.hang_up()
        return
    events = turn.events()
    turn.open_stream()
    await turn.send_events(islice(events, after_chunks))
    await turn.hang(seconds)
    if close:
        turn.connection.hang_up()
        return
    await turn.send_events(events)
    turn.close_stream()


@fault()
async def malformed(turn: Turn, *, after_chunks: Count = 1, data: str | None = None, drop: bool = False) -> None:
    """After N events one with broken JSON (`data`, else half of the real one), then the stream goes on.

    The real event follows, or is dropped. Plain call: 200 with `data`, else half of the body, as if whole.
    """
    if not turn.streams:
        body = turn.body()
        await turn.send(body[: len(body) // 2] if data is None else data.encode(), kind=turn.kind)
        return
    events = turn.events()
    turn.open_stream()
    await turn.send_events(islice(events, after_chunks))
    real = next(events, None)
    whole = b"{}" if real is None else dumped(real.data)
    broken = whole[: len(whole) // 2] if data is None else data.encode()
    await turn.send_event(encode(turn.wire, broken))
    if real is not None and not drop:
        await turn.send_events([real])
    await turn.send_events(events)
    turn.close_stream()


@fault()
async def error_event(
    turn: Turn,
    *,
    after_chunks: Count = 1,
    status: Annotated[int, Field(ge=400, le=599)] = 503,
    message: str | None = None,
) -> None:
    """After N events the provider's error object as an event, then a clean end and FIN.

    Plain call: the error object as the body of a 200.
    """
    problem = turn.wire.error(status, message)
    if not turn.streams:
        await turn.send(orjson.dumps(problem.body))
        return
    turn.open_stream()
    await turn.send_events(islice(turn.events(), after_chunks))
    await turn.send_event(encode(turn.wire, orjson.dumps(problem.body)))
    turn.close_stream()
    turn.connection.hang_up()


@fault()
async def no_finish(turn: Turn, *, after_words: Count | None = None) -> None:
    """All of the text, or N words of it, and a clean end, but no finish reason and no `[DONE]`.

    Plain call: the reason is null, or gone.
    """
    if after_words is not None:
        turn.answer = replace(turn.answer, pieces=turn.answer.pieces[:after_words])
    if turn.streams:
        turn.open_stream()
        await turn.send_events(turn.wire.unfinished(turn.events()))
        turn.close_stream()
        return
    reply = turn.json()
    for one in reply if isinstance(reply, list) else [reply] if isinstance(reply, dict) else []:
        for choice in one.get("choices", []):
            choice["finish_reason"] = None
        for candidate in one.get("candidates", []):
            candidate.pop("finishReason", None)
    await turn.send(dumped(reply), kind=turn.kind)


@fault()
async def no_done(turn: Turn, *, seconds: Seconds = 30) -> None:
    """The finish reason, but no `[DONE]`, and the body stays open for `seconds`, then ends cleanly.

    Gemini, which has no `[DONE]`: the whole stream, then open as long. Plain call: the whole body, chunked,
    without its end for as long.
    """
    if turn.streams:
        turn.open_stream()
        await turn.send_events(event for event in turn.events() if event.kind != "done")
    else:
        turn.connection.write(turn.head(200, turn.kind, None))
        await turn.send_chunk(turn.body())
    await turn.hang(seconds)
    turn.close_stream()


@fault()
async def duplicate_events(turn: Turn) -> None:
    """Every event twice. Plain call: the body twice, one after the other, in one reply."""
    if turn.streams:
        turn.open_stream()
        await turn.send_events(event for one in turn.events() for event in (one, one))
        turn.close_stream()
    else:
        await turn.send(turn.body() * 2, kind=turn.kind)

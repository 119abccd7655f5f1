"""Faults of the HTTP reply: errors as the providers word them, and replies that are none of theirs."""

import asyncio
import zlib
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from ..turn import HTML, Turn
from ..wire import Canned, Event, Problem, Subject
from .registry import Count, Seconds, fault

PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>\n"
MEGABYTE = 2**20
GZIP = 31  # zlib's window bits for a gzip header

Status = Annotated[int, Field(ge=200, le=599)]


async def _send_canned(turn: Turn, name: Canned) -> None:
    subject = Subject(turn.call.model, turn.operation, turn.key)
    await turn.send_problem(turn.wire.canned(name, subject))


@fault()
async def status(
    turn: Turn,
    *,
    status: Status,
    retry_after: Seconds | None = None,
    body: Any = None,
    events: list[Any] | None = None,
    content_type: str | None = None,
    headers: dict[str, str] | None = None,
) -> None:
    """An HTTP status with the provider's error body, or `body` (a string goes out raw, as text/plain).

    `retry_after`, seconds: OpenAI's Retry-After header; Gemini's RetryInfo detail, and no header, as with the
    real one (`headers` can add it). With the status 200 it plays a recorded reply: `body`, a string under its own
    `content_type`; a call that streams gets `events`, each an object or the text after `data: `.
    """
    if events is not None and turn.streams:
        turn.open_stream(headers)
        await turn.send_events([Event("text", data) for data in events])
        turn.close_stream()
        return
    problem = turn.wire.error(status, None, retry_after)
    if content_type is not None:
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        await turn.send(raw, status, content_type, headers)
        return
    shown = problem.body if body is None else body
    await turn.send_problem(Problem(status, shown, {**problem.headers, **(headers or {})}))


@fault()
async def not_sse(turn: Turn) -> None:
    """200 with a page of HTML, as a proxy in between sends it; the same for plain calls."""
    await turn.send(PAGE, kind=HTML)


@fault()
async def not_json(turn: Turn, *, content_type: str = HTML) -> None:
    """200 with a page of HTML under any content type; the same for streams."""
    await turn.send(PAGE, kind=content_type)


@fault()
async def mistyped(turn: Turn, *, content_type: str = "text/plain") -> None:
    """The healthy reply under another content type."""
    body = b"".join(map(turn.encoded, turn.events())) if turn.streams else turn.body()
    await turn.send(body, kind=content_type)


@fault()
async def empty(turn: Turn) -> None:
    """200 with an empty body, under the content type that was asked for."""
    await turn.send(b"", kind=turn.kind)


@fault()
async def redirect(turn: Turn, *, location: str, status: Literal[301, 302, 303, 307, 308] = 307) -> None:
    """A redirect to `location`."""
    await turn.send(b"", status, HTML, {"location": location})


@fault()
async def huge_headers(turn: Turn, *, kilobytes: Count) -> None:
    """The healthy reply with a header of that many kilobytes."""
    padding = {"x-padding": "x" * (kilobytes * 1024)}
    if turn.streams:
        turn.open_stream(padding)
        await turn.connection.drain()
        await turn.send_events(turn.events())
        turn.close_stream()
    else:
        await turn.send(turn.body(), kind=turn.kind, extra=padding)


@fault()
async def gzip_bomb(turn: Turn, *, megabytes: Count) -> None:
    """A gzipped body that unpacks to the healthy reply after that many megabytes of white space.

    Stream: the same, the white space being empty lines before the first event.
    """
    tail = b"".join(map(turn.encoded, turn.events())) if turn.streams else turn.body()
    padding = (turn.wire.line_end if turn.streams else b" ") * MEGABYTE
    packed = await asyncio.to_thread(_packed, padding[:MEGABYTE], megabytes, tail)
    await turn.send(packed, kind=turn.kind, extra={"content-encoding": "gzip"})


def _packed(padding: bytes, times: int, tail: bytes) -> bytes:
    packer = zlib.compressobj(level=6, wbits=GZIP)
    parts = [packer.compress(padding) for _ in range(times)]
    return b"".join([*parts, packer.compress(tail), packer.flush()])


@fault()
async def context_too_long(turn: Turn) -> None:
    """400: OpenAI's code context_length_exceeded; Gemini's INVALID_ARGUMENT about the token count."""
    await _send_canned(turn, "context_too_long")


@fault()
async def model_not_found(turn: Turn) -> None:
    """404 as either provider words it."""
    await _send_canned(turn, "model_not_found")


@fault()
async def bad_key(turn: Turn) -> None:
    """OpenAI: 401 invalid_api_key, the key masked. Gemini: 400 with the reason API_KEY_INVALID."""
    await _send_canned(turn, "bad_key")


@fault()
async def prefill_refused(turn: Turn) -> None:
    """400, as for a request that ends with the beginning of an answer: OpenAI's with the code invalid_prefill."""
    await _send_canned(turn, "prefill")

"""Writes server-sent events; an error after the first byte is an event, never a quiet end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson
from starlette.types import Send

from gateway.contract import GatewayError, InternalError
from gateway.http.reply import start

BURST = 16  # events after which other requests have their turn
EVENT_STREAM = "text/event-stream; charset=utf-8"


def event(data: Any, name: str | None = None) -> bytes:
    """One event, with a name where the route's format has names."""
    head = f"event: {name}\n".encode() if name else b""
    return b"%sdata: %s\n\n" % (head, data if isinstance(data, bytes) else orjson.dumps(data))


def error_event(error: GatewayError) -> bytes:
    """How a stream ends that breaks, where its format has no manner of its own."""
    return event(error.body(), "error")


async def stream(
    send: Send,
    events: AsyncIterator[bytes],
    headers: Callable[[], Mapping[str, str]],
    *,
    failed: Callable[[GatewayError], bytes] = error_event,
    content_type: str = EVENT_STREAM,
) -> None:
    """Send ``events`` as they come. The first is awaited before anything is sent, so that an error before it
    is still a reply with a status of its own; a later one ends the stream as ``failed`` words it. ``headers`` are
    asked for with the first."""
    first = await anext(events, b"")
    fields = {**headers(), "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    await send(start(200, content_type, fields.items()))
    try:
        await _body(send, first)
        sent = 0
        async for data in events:
            await _body(send, data)
            sent += 1
            if sent % BURST == 0:  # where a provider sends much at once, nothing else here would wait for anything
                await asyncio.sleep(0)
    except GatewayError as error:
        await _end(send, failed(error))
        raise
    except Exception:
        await _end(send, failed(InternalError("Something failed inside the gateway.")))
        raise
    await _end(send)


async def _end(send: Send, data: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": data})


async def _body(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})

"""Writes JSON and error bodies as ASGI messages."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import orjson
from starlette.types import Message, Send

from gateway.contract import GatewayError
from gateway.http.anthropic import errors as anthropic
from gateway.http.gemini import errors as gemini

Headers = Iterable[tuple[str, str]]
#: Clients that read errors in a manner of their own, by their paths.
MANNERS = (anthropic, gemini)


def start(status: int, content_type: str, headers: Headers, length: int | None = None) -> Message:
    """The message that begins a response."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    raw.append((b"content-type", content_type.encode()))
    if length is not None:
        raw.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": status, "headers": raw}


async def send_json(send: Send, data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
    """A whole JSON response."""
    body = orjson.dumps(data)
    await send(start(status, "application/json", (headers or {}).items(), len(body)))
    await send({"type": "http.response.body", "body": body})


async def send_error(
    send: Send, error: GatewayError, path: str = "", *, before_end: Coroutine[Any, Any, None] | None = None
) -> None:
    """An error in OpenAI's shape, with what the clients of ``path`` read; every 429 and 503 says when to come back.
    ``before_end`` is waited for once all of it is sent and before the server may close the connection."""
    if before_end is None:
        await send_json(send, error_body(error, path), status=error.status, headers=error_headers(error))
        return
    body = orjson.dumps(error_body(error, path))
    try:
        await send(start(error.status, "application/json", error_headers(error).items(), len(body)))
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await before_end
    finally:
        before_end.close()
    await send({"type": "http.response.body", "body": b""})


def error_body(error: GatewayError, path: str) -> dict[str, Any]:
    """The error's body on ``path``, whether or not there is such a path."""
    manner = next((one for one in MANNERS if one.read_on(path)), None)
    return error.body() if manner is None else manner.body(error)


def error_headers(error: GatewayError) -> dict[str, str]:
    """The headers that go with an error."""
    headers = dict(error.headers)
    if error.retry_after is not None or error.status in (429, 503):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after or 1)))
    return headers

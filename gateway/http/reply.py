"""Writes JSON and error bodies as ASGI messages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.types import Message, Send

from gateway.contract import GatewayError

Headers = Iterable[tuple[str, str]]


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


async def send_error(send: Send, error: GatewayError) -> None:
    """An error in OpenAI's shape; every 429 and 503 says when to come back."""
    await send_json(send, error.body(), status=error.status, headers=error_headers(error))


def error_headers(error: GatewayError) -> dict[str, str]:
    """The headers that go with an error."""
    headers = dict(error.headers)
    if error.retry_after is not None or error.status in (429, 503):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after or 1)))
    return headers

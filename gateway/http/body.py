"""Reads a request's JSON body, within its bounds of size and time."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from gateway.bounded_json import TooNestedError, loads
from gateway.contract import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from gateway.http.access import CallerLeft
from gateway.settings.schema import Server
from gateway.waiting import within

JSON = "application/json"


async def read_json(scope: Scope, receive: Receive, server: Server) -> dict[str, Any]:
    """The body as a JSON object; raises GatewayError saying what is wrong and where."""
    headers = Headers(scope=scope)
    check_headers(headers, server.max_body_bytes)
    try:
        body = await within(server.body_seconds, _read(receive, server.max_body_bytes))
    except TimeoutError:
        message = f"The body did not arrive within {server.body_seconds:g} s."
        raise InvalidRequest(message, code="body_timeout") from None
    try:
        data = loads(body)
    except orjson.JSONDecodeError as error:
        what = f"line {error.lineno}, column {error.colno}: {error.msg.partition(':')[0]}" if body else "it is empty"
        raise InvalidRequest(f"The body is not valid JSON ({what}).", code="invalid_json") from None
    except TooNestedError as error:
        raise InvalidRequest(f"The body is {error}.", code="invalid_json") from None
    if not isinstance(data, dict):
        raise InvalidRequest("The body must be a JSON object.", code="invalid_type")
    return data


def check_headers(headers: Headers, limit: int, takes: str = JSON) -> None:
    """Raises GatewayError for a body that is of another content type, is compressed, or says that it is too large."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != takes and not (takes == JSON and kind.endswith("+json")):
        sent = "no Content-Type" if not kind else "another Content-Type"
        raise UnsupportedMedia(f"Send the body as 'Content-Type: {takes}'; this came with {sent}.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without a Content-Encoding.")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def too_large(limit: int) -> PayloadTooLarge:
    """The error for a body of more bytes than that."""
    # The rest of the body is not read, so the connection can't be used again.
    return PayloadTooLarge(f"The body may have at most {limit} bytes.", headers={"Connection": "close"})

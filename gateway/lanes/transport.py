"""One pooled HTTP session to all providers; its errors are ``Failure``s."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from gateway import redact
from gateway.settings.schema import Timeouts, Upstream
from gateway.upstream.failures import Failure, Kind, classify

ERROR_BODY_BYTES = 65536
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Request:
    """A POST to a provider. ``headers`` hold the key, so it is never shown."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """The session. Redirects are not followed: they would carry the provider's key to another host."""

    def __init__(self, upstream: Upstream, timeouts: Timeouts) -> None:
        self._max_reply = upstream.max_reply_bytes
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_kept)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=upstream.connections, limit_per_host=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Compressed replies are not asked for, so that no small reply can unpack into a large one.
            headers={"Accept-Encoding": "identity", "User-Agent": "ivy-gateway"},
            auto_decompress=False,
            trace_configs=[tracing],
            # Asking the environment for a proxy costs time on each call; most have none.
            trust_env=any(os.environ.get(name) or os.environ.get(name.lower()) for name in PROXY_VARIABLES),
        )

    async def aclose(self) -> None:
        """Close the session and its connections."""
        await self._session.close()

    @asynccontextmanager
    async def post(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The reply to ``request``, if its status is 200; anything else is raised as a Failure.

        Leaving the context early ends the provider's call by closing its connection.
        """
        try:
            async with await self._send(request) as response:
                try:
                    await _check(response)
                    yield response
                except BaseException:
                    # What failed is not used again; and whoever left need not wait for the provider.
                    response.close()
                    raise
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise transport_failure(error) from error

    async def _send(self, request: Request) -> aiohttp.ClientResponse:
        """Send, again where a kept connection turns out to be dead: providers and the balancers before them close
        those when they please, which says nothing of their health. A new connection's loss is a failure."""
        while True:
            sent: dict[str, bool] = {}
            try:
                return await self._session.post(
                    request.url,
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    trace_request_ctx=sent,
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not sent.get("kept"):
                    raise

    async def json(self, response: aiohttp.ClientResponse) -> dict[str, Any]:
        """The body as a JSON object of bounded size."""
        body = await _read(response, self._max_reply)
        if body is None:
            raise Failure(Kind.GARBAGE, f"the reply is over {self._max_reply} bytes")
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Failure(Kind.GARBAGE if body.strip() else Kind.EMPTY, "the reply is not JSON") from None
        if not isinstance(data, dict):
            raise Failure(Kind.GARBAGE, "the reply is not a JSON object")
        return data


async def _note_kept(session: aiohttp.ClientSession, context: Any, params: Any) -> None:
    del session, params
    context.trace_request_ctx["kept"] = True


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raises Failure for a status that is not 200, and for a body that could unpack without bounds."""
    if response.status != 200:
        raise await _failure(response)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Failure(Kind.GARBAGE, "the reply is compressed, which was not asked for")


def transport_failure(error: BaseException) -> Failure:
    """The Failure that an aiohttp or socket error stands for."""
    name = type(error).__name__
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)):
        return Failure(Kind.CONNECT, name)
    if isinstance(error, aiohttp.ClientPayloadError):
        return Failure(Kind.CUT, name)
    if isinstance(error, (aiohttp.ServerConnectionError, aiohttp.ClientOSError, OSError)):
        return Failure(Kind.RESET, name)
    return Failure(Kind.GARBAGE, name)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, or None where it is longer than ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


async def _failure(response: aiohttp.ClientResponse) -> Failure:
    """What a reply with an error status says, in OpenAI's or Gemini's error shape."""
    body = await _read(response, ERROR_BODY_BYTES) or b""
    error = _error_object(body)
    message = error.get("message")
    code = error.get("code") if isinstance(error.get("code"), str) else error.get("status")
    text = message if isinstance(message, str) else ""
    kind = classify(response.status, f"{text} {_reasons(error)}", str(code or ""))
    return Failure(
        kind,
        redact.provider_message(text),
        status=response.status,
        code=code if isinstance(code, str) else None,
        param=error["param"] if isinstance(error.get("param"), str) else None,
        retry_after=_retry_after(response.headers, error),
    )


def _error_object(body: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(data, list) and data:  # Gemini wraps the error of a stream in a list
        data = data[0]
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []


def _reasons(error: Mapping[str, Any]) -> str:
    """Gemini's machine-readable reasons (google.rpc.ErrorInfo)."""
    return " ".join(str(item["reason"]) for item in _details(error) if "reason" in item)


def _retry_after(headers: Mapping[str, str], error: Mapping[str, Any]) -> float | None:
    """Seconds to wait, from ``retry-after-ms``, ``Retry-After`` or Gemini's google.rpc.RetryInfo."""
    texts = [headers.get("Retry-After", "")]
    texts += [str(item["retryDelay"]).removesuffix("s") for item in _details(error) if "retryDelay" in item]
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    for text in filter(None, texts):
        try:
            return max(0.0, float(text))
        except ValueError:
            try:
                return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
            except (ValueError, TypeError):
                continue
    return None

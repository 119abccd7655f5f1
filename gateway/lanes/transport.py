"""One pooled HTTP session to all providers; its errors are ``Failure``s."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.bounded_json import loads
from gateway.lanes.provider_error import provider_failure
from gateway.settings.schema import Timeouts, Upstream
from gateway.upstream.failures import Failure, Kind

ERROR_BODY_BYTES = 65536
LARGE_BODY_BYTES = 512 * 1024
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Request:
    """A POST to a provider, or what ``method`` says. ``headers`` hold the key, so it is never shown."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


class Transport:
    """The session. Redirects are not followed: they would carry the provider's key to another host."""

    def __init__(self, upstream: Upstream, timeouts: Timeouts) -> None:
        self._max_reply = upstream.max_reply_bytes
        self._connections = upstream.connections
        self._under_way = 0
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_kept)
        connect = timeouts.connect_seconds
        self._session = _session(
            aiohttp.TCPConnector(limit=0, limit_per_host=0, keepalive_timeout=30), connect, tracing
        )
        #: For what a kept connection lost: none of the others may be any better.
        self._new = _session(aiohttp.TCPConnector(limit=0, limit_per_host=0, force_close=True), connect)

    async def aclose(self) -> None:
        """Close the sessions and their connections."""
        await self._session.close()
        await self._new.close()

    @asynccontextmanager
    async def post(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The reply to ``request``, if its status is 200; anything else is raised as a Failure.

        Leaving the context early ends the provider's call by closing its connection.
        """
        if self._under_way >= self._connections:
            raise Failure(Kind.BUSY, f"all {self._connections} connections to providers are in use")
        self._under_way += 1
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
        finally:
            self._under_way -= 1

    async def _send(self, request: Request) -> aiohttp.ClientResponse:
        """Send, once more over a new connection where a kept one turns out to be dead: providers and the balancers
        before them close those when they please, which says nothing of their health. A new one's loss is a failure."""
        sent: dict[str, bool] = {}
        try:
            return await _posted(self._session, request, sent)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not sent.get("kept"):
                raise
        return await _posted(self._new, request, sent)

    async def json(self, response: aiohttp.ClientResponse, most: int | None = None) -> dict[str, Any]:
        """The body as a JSON object of at most so many bytes, or of those that the settings allow."""
        most = most or self._max_reply
        body = await _read(response, most)
        if body is None:
            raise Failure(Kind.GARBAGE, f"the reply is over {most} bytes")
        try:
            data = loads(body)
        except ValueError:
            raise Failure(Kind.GARBAGE if body.strip() else Kind.EMPTY, "the reply is not JSON") from None
        if not isinstance(data, dict):
            raise Failure(Kind.GARBAGE, "the reply is not a JSON object")
        return data


def _session(
    connector: aiohttp.TCPConnector, connect_seconds: float, *tracing: aiohttp.TraceConfig
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        # Compressed replies are not asked for, so that no small reply can unpack into a large one.
        headers={"Accept-Encoding": "identity", "User-Agent": "ivy-gateway"},
        auto_decompress=False,
        trace_configs=list(tracing),
        # Asking the environment for a proxy costs time on each call; most have none.
        trust_env=any(os.environ.get(name) or os.environ.get(name.lower()) for name in PROXY_VARIABLES),
    )


async def _posted(session: aiohttp.ClientSession, request: Request, sent: dict[str, bool]) -> aiohttp.ClientResponse:
    # A file's bytes are written in pieces, so that others have their turn.
    large = len(request.body) > LARGE_BODY_BYTES
    return await session.request(
        request.method,
        request.url,
        data=io.BytesIO(request.body) if large else request.body,
        headers=request.headers,
        allow_redirects=False,
        trace_request_ctx=sent,
    )


async def _note_kept(session: aiohttp.ClientSession, context: Any, params: Any) -> None:
    del session, params
    context.trace_request_ctx["kept"] = True


async def _check(response: aiohttp.ClientResponse) -> None:
    """Raises Failure for a status that is not 200, and for a body that could unpack without bounds."""
    if response.status != 200:
        body = await _read(response, ERROR_BODY_BYTES) or b""
        raise provider_failure(response.status, response.headers, body)
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

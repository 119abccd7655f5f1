"""Stands between LiteLLM and its HTTP clients (httpx), for what it leaves open.

It follows redirects with the provider's key, reads replies of any size, and tells afterwards less than the
provider said. Here no redirect is followed, every reply is bounded, and what was answered is noted. No byte of it
is changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.contract import nothing
from gateway.lanes.raw_reply import RawReply
from gateway.lanes.reading import STREAM_FACTOR

ERROR_BODY_BYTES = 65536


@dataclass(slots=True)
class Exchange:
    """What went over the wire for one attempt: whether anything was sent, and how it was answered last. ``raw`` is
    what is noted of a whole reply, and of a stream of events while it passes."""

    sent: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=nothing)
    error_body: bytes = b""
    raw: RawReply | None = None


class ReplyTooLarge(httpx.TransportError):
    """The reply is larger than any answer, or could unpack to be."""


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
_send = httpx.AsyncClient.send
_send_sync = httpx.Client.send


def watch() -> Exchange:
    """A record of what this task's calls send from now on."""
    exchange = Exchange()
    _current.set(exchange)
    return exchange


def install(max_reply_bytes: int) -> None:
    """Guard every httpx client of this process; LiteLLM is the only one that has any."""

    async def send(client: httpx.AsyncClient, request: httpx.Request, *, stream: bool = False, **rest: Any) -> Any:
        _note_request(request)
        response = await _send(client, request, **rest | {"stream": True, "follow_redirects": False})
        try:
            raw = RawReply() if stream and _is_events(response) else None
            response.stream = _Bounded(response.stream, _bound(response, max_reply_bytes, stream=stream), raw)
            if not stream or response.status_code != 200:
                await response.aread()
                raw = _whole(response)
            _note_response(response, raw)
        except BaseException:
            await response.aclose()
            raise
        return response

    def send_sync(client: httpx.Client, request: httpx.Request, *, stream: bool = False, **rest: Any) -> Any:
        _note_request(request)
        response = _send_sync(client, request, **rest | {"stream": True, "follow_redirects": False})
        try:
            raw = RawReply() if stream and _is_events(response) else None
            response.stream = _BoundedSync(response.stream, _bound(response, max_reply_bytes, stream=stream), raw)
            if not stream or response.status_code != 200:
                response.read()
                raw = _whole(response)
            _note_response(response, raw)
        except BaseException:
            response.close()
            raise
        return response

    setattr(httpx.AsyncClient, "send", send)  # noqa: B010 - mypy rightly minds the plain assignment
    setattr(httpx.Client, "send", send_sync)  # noqa: B010


def _note_request(request: httpx.Request) -> None:
    request.headers["Accept-Encoding"] = "identity"
    exchange = _current.get()
    if exchange:
        exchange.sent, exchange.status, exchange.error_body, exchange.raw = True, None, b"", None


def _is_events(response: httpx.Response) -> bool:
    return "text/event-stream" in response.headers.get("Content-Type", "").lower()


def _whole(response: httpx.Response) -> RawReply | None:
    if response.status_code != 200:
        return None
    raw = RawReply()
    raw.body(response.content)
    return raw


def _note_response(response: httpx.Response, raw: RawReply | None) -> None:
    exchange = _current.get()
    if exchange:
        exchange.status, exchange.headers = response.status_code, response.headers
        exchange.error_body = b"" if response.status_code == 200 else response.content
        exchange.raw = raw


@dataclass(frozen=True, slots=True)
class _Bound:
    """``cut`` ends quietly at the limit: the beginning of an error says enough."""

    size: int
    cut: bool


def _bound(response: httpx.Response, limit: int, *, stream: bool) -> _Bound:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ReplyTooLarge("the reply is compressed, which was not asked for")
    if response.status_code != 200:
        return _Bound(ERROR_BODY_BYTES, cut=True)
    return _Bound(limit * (STREAM_FACTOR if stream else 1), cut=False)


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: Any, bound: _Bound, raw: RawReply | None) -> None:
        self._stream = stream
        self._bound = bound
        self._raw = raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > self._bound.size:
                if self._bound.cut:
                    return
                raise ReplyTooLarge(f"the reply is over {self._bound.size} bytes")
            if self._raw:
                self._raw.feed(part)
            yield part
        if self._raw:
            self._raw.end()

    async def aclose(self) -> None:
        """Close the reply."""
        await self._stream.aclose()


class _BoundedSync(httpx.SyncByteStream):
    def __init__(self, stream: Any, bound: _Bound, raw: RawReply | None) -> None:
        self._stream = stream
        self._bound = bound
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > self._bound.size:
                if self._bound.cut:
                    return
                raise ReplyTooLarge(f"the reply is over {self._bound.size} bytes")
            if self._raw:
                self._raw.feed(part)
            yield part
        if self._raw:
            self._raw.end()

    def close(self) -> None:
        """Close the reply."""
        self._stream.close()

"""uvicorn's HTTP protocol with bounds on a request's head, which it leaves to the proxy in front."""

from __future__ import annotations

import asyncio
import http

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.settings.schema import Server


class BoundedHead(HttpToolsProtocol):
    """A head may have ``head_bytes`` and take ``head_seconds``, from the connection on or, where that is kept,
    from its first byte. Made with settings by ``protocol``."""

    head_bytes: int
    head_seconds: float
    _size: int | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by asyncio: the first head is awaited."""
        super().connection_made(transport)
        self._begin()

    def on_message_begin(self) -> None:
        """Called by httptools at a head's first byte."""
        super().on_message_begin()
        if self._size is None:
            self._begin()

    def on_headers_complete(self) -> None:
        """Called by httptools at a head's end."""
        self._end()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio; counts after parsing, since a body may follow in the same piece."""
        super().data_received(data)
        if self._size is not None:
            self._size += len(data)
            if self._size > self.head_bytes:
                self._refuse(431, f"The request's line and headers may have at most {self.head_bytes} bytes.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._size = 0
        self._timer = self.loop.call_later(self.head_seconds, self._late)

    def _end(self) -> None:
        self._size = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if self._size:
            self._refuse(408, f"The request's headers did not arrive within {self.head_seconds:g} s.")
        else:  # nothing was asked, so nothing is answered
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        """Answer without the application, which has not heard of the request, and close."""
        self._end()
        phrase = http.HTTPStatus(status).phrase
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": "bad_head"}
        body = orjson.dumps({"error": error})
        head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()


def protocol(server: Server) -> type[BoundedHead]:
    """The protocol class for uvicorn, which makes its instances itself, with the settings as its attributes."""
    bounds = {"head_bytes": server.max_head_bytes, "head_seconds": server.head_seconds}
    return type("ConfiguredBoundedHead", (BoundedHead,), bounds)

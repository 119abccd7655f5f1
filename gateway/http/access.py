"""The outermost layer: the request id, one log line a request, and every error as a reply."""

from __future__ import annotations

import re
import time
import traceback
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import redact
from gateway.contract import GatewayError, InternalError, MethodNotAllowed, NotFound, PayloadTooLarge
from gateway.http.discard import discarded
from gateway.http.reply import send_error
from gateway.waiting import within

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
NOT_LOGGED = frozenset({"/health/live", "/health/ready"})
Log = Callable[..., None]


class CallerLeft(Exception):
    """The caller closed the connection; there is nobody to answer."""


class Access:
    """ASGI middleware. Sets ``scope["request_id"]``; nothing raised within gets past it.

    A caller who takes nothing for ``write_seconds`` counts as one who left. ``texts`` lets the messages of
    unexpected errors into the log, which can hold what callers sent.
    """

    def __init__(self, app: ASGIApp, log: Log, *, texts: bool = False, write_seconds: float = 30.0) -> None:
        self._app = app
        self._log = log
        self._texts = texts
        self._write_seconds = write_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = _request_id(Headers(scope=scope).get("x-request-id"))
        exchange = _Exchange(scope, send, self._write_seconds)
        try:
            await self._app(scope, receive, exchange.send)
        except CallerLeft:
            exchange.left = True
        except Exception as error:
            await self._answer(exchange, error, receive)
        finally:
            self._write(exchange)

    async def _answer(self, exchange: _Exchange, error: Exception, receive: Receive) -> None:
        known = _known(error)
        if known is None:
            self._unexpected(exchange, error)
            known = InternalError("Something failed inside the gateway. Its log has it under this request id.")
        exchange.error = known
        if exchange.status is None:
            rest = discarded(receive) if isinstance(known, PayloadTooLarge) else None
            await send_error(exchange.send, known, exchange.scope["path"], before_end=rest)

    def _unexpected(self, exchange: _Exchange, error: Exception) -> None:
        trace = traceback.extract_tb(error.__traceback__)[-8:]
        frames = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in trace]
        text = str(error) if self._texts else None
        fields = {"request_id": exchange.scope["request_id"], "error": type(error).__name__, "text": text}
        self._log("error", "unexpected_error", frames=frames, **fields)

    def _write(self, exchange: _Exchange) -> None:
        scope, status = exchange.scope, exchange.status
        if scope["path"] in NOT_LOGGED and status == HTTPStatus.OK:
            return
        fields: dict[str, Any] = {
            "request_id": scope["request_id"],
            "method": scope["method"],
            "path": redact.one_line(scope["path"]),
            "status": status or 499,  # nginx's number for: the caller left before there was an answer
            "ms": round((time.perf_counter() - exchange.started) * 1000, 1),
            **scope.get("log", {}),
        }
        if exchange.error:
            fields["error"] = exchange.error.code
        if exchange.left:
            fields["caller_left"] = True
        level = "error" if (status or 0) >= 500 else "warning" if (status or 0) >= 400 else "info"
        self._log(level, "request", **fields)


class _Exchange:
    """One request and what has been sent back of it."""

    def __init__(self, scope: Scope, send: Send, write_seconds: float) -> None:
        self.scope = scope
        self._write_seconds = write_seconds
        self.started = time.perf_counter()
        self.status: int | None = None
        self.error: GatewayError | None = None
        self.left = False
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass a message on; the first one gets the request id. Raises CallerLeft where it is not taken in time."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-ID"] = self.scope["request_id"]
        try:
            await within(self._write_seconds, self._send(message))  # type: ignore[arg-type]  # a coroutine, as ASGI has it
        except TimeoutError:
            raise CallerLeft from None


def _request_id(sent: str | None) -> str:
    """The caller's own id where it can stand in a header and a log line, else a new one."""
    return sent if sent and REQUEST_ID.fullmatch(sent) else f"req_{uuid.uuid4().hex}"


def _known(error: Exception) -> GatewayError | None:
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, HTTPException):  # Starlette's router has only these two
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "")
            return MethodNotAllowed(f"This path takes {allowed}.", headers={"Allow": allowed})
        if error.status_code == HTTPStatus.NOT_FOUND:
            return NotFound("There is no such path here.")
    return None

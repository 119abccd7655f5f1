"""One request to a model, in the one direction: parse, admit, run the pipeline, render."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from gateway import redact
from gateway.contract import Call, GatewayError, Identity, NotFound, Trail
from gateway.engine import Engine
from gateway.http.account import Account, billed
from gateway.http.body import read_json
from gateway.http.caller import CallerWatch
from gateway.http.control import controlled, told
from gateway.pipeline import Answer
from gateway.settings.keys import Key
from gateway.settings.schema import Server

Json = dict[str, Any]
Parse = Callable[[Engine, Scope, Json, Identity], Call]
Headers = Callable[[], Mapping[str, str]]
Read = Callable[[Scope, Receive, Server], Awaitable[Json]]


class Render(Protocol):
    """Writes an answer in a route's own shape."""

    async def __call__(self, call: Call, answer: Answer, headers: Headers, send: Send) -> None:
        """``call`` is as it was parsed. Raises GatewayError where nothing was sent yet; after that it says so in the
        stream. ``headers`` are known once the first chunk is."""


class ModelEndpoint:
    """ASGI endpoint of a route that calls a model. ``engine`` gives what is in force when the request comes; ``read``
    gives the body's fields to ``parse``."""

    def __init__(self, engine: Callable[[], Engine], parse: Parse, render: Render, *, read: Read = read_json) -> None:
        self._engine = engine
        self._parse = parse
        self._render = render
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = self._engine()
        identity: Identity = scope["identity"]
        body = await self._read(scope, receive, engine.settings.gateway.server)
        try:
            call = controlled(engine, scope, self._parse(engine, scope, body, identity))
        except NotFound as error:
            raise told(engine, scope, error) from None
        log = scope.setdefault("log", {})
        log |= _log_fields(call)
        key: Key | None = scope.get("key")
        window = engine.admission.admit(identity, key).headers()
        with Account(engine, call, key) as account:
            try:
                async with CallerWatch(receive), engine.pipeline.run(call) as answer:
                    account.reserve(answer.call)
                    try:
                        await self._render(
                            call, answer, lambda: window | account.headers() | trail_headers(call.trail), send
                        )
                    finally:
                        log |= _outcome(call.trail)
            except GatewayError as error:
                error.headers = {**window, **account.headers(), **error.headers}
                raise
            finally:
                log |= billed(call.trail)


def trail_headers(trail: Trail) -> dict[str, str]:
    """Who answered, after how many attempts, why it was not the first choice, and whether no model did."""
    headers = {}
    if trail.model is not None:
        headers = {"X-Ivy-Model": trail.model, "X-Ivy-Attempts": str(trail.attempts)}
        if trail.fallback_reason:
            headers["X-Ivy-Fallback-Reason"] = trail.fallback_reason
    if trail.degraded:
        headers["X-Ivy-Degraded"] = "true"
    return headers


def _log_fields(call: Call) -> Json:
    fields: Json = {"surface": str(call.surface), "operation": str(call.operation), "stream": call.stream}
    if call.identity.user:
        fields["user"] = redact.one_line(call.identity.user)
    if call.identity.org:
        fields["org"] = redact.one_line(call.identity.org)
    if call.identity.conversation:
        fields["conversation"] = redact.one_line(call.identity.conversation)
    return fields


def _outcome(trail: Trail) -> Json:
    fields = {"model": trail.model, "attempts": trail.attempts, "fallback_reason": trail.fallback_reason}
    return {name: value for name, value in fields.items() if value} | ({"degraded": True} if trail.degraded else {})

"""One request to a model, in the one direction: parse, admit, run the pipeline, render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from gateway import redact
from gateway.contract import Call, GatewayError, Identity
from gateway.engine import Engine
from gateway.http.body import read_json
from gateway.http.caller import CallerWatch
from gateway.pipeline import Answer

Json = dict[str, Any]
Parse = Callable[[Engine, Scope, Json, Identity], Call]


class Render(Protocol):
    """Writes an answer in a route's own shape."""

    async def __call__(self, answer: Answer, headers: Mapping[str, str], send: Send) -> None:
        """Raises GatewayError where nothing was sent yet; after that it says so in the stream."""


class ModelEndpoint:
    """ASGI endpoint of a route that calls a model. ``engine`` gives what is in force when the request comes."""

    def __init__(self, engine: Callable[[], Engine], parse: Parse, render: Render) -> None:
        self._engine = engine
        self._parse = parse
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = self._engine()
        identity: Identity = scope["identity"]
        body = await read_json(scope, receive, engine.settings.gateway.server)
        call = self._parse(engine, scope, body, identity)
        log = scope.setdefault("log", _log_fields(call))
        window = engine.admission.admit(identity).headers()
        try:
            async with CallerWatch(receive), engine.pipeline.run(call) as answer:
                try:
                    await self._render(answer, window | answer_headers(answer), send)
                finally:
                    log |= _outcome(answer)
        except GatewayError as error:
            error.headers = {**window, **error.headers}
            raise


def answer_headers(answer: Answer) -> dict[str, str]:
    """Who answered, after how many attempts, and why it was not the first choice."""
    headers = {"X-Ivy-Model": answer.reply.model, "X-Ivy-Attempts": str(answer.reply.attempts)}
    if answer.reply.fallback_reason:
        headers["X-Ivy-Fallback-Reason"] = answer.reply.fallback_reason
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


def _outcome(answer: Answer) -> Json:
    fields: Json = {"model": answer.reply.model, "attempts": answer.reply.attempts}
    if answer.reply.fallback_reason:
        fields["fallback_reason"] = answer.reply.fallback_reason
    return fields

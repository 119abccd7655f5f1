"""``POST /v1/responses``: parse into a call, render as a response or its events."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from starlette.types import Scope, Send

from gateway.contract import (
    DEFAULT_MODEL,
    Call,
    Forbidden,
    GatewayError,
    Identity,
    InvalidRequest,
    NotFound,
    Operation,
    Surface,
)
from gateway.engine import Engine
from gateway.http import schema, sse
from gateway.http.endpoint import Headers
from gateway.http.param_names import in_words_of
from gateway.http.reply import send_json
from gateway.http.responses import chat, native
from gateway.http.responses.output import Output
from gateway.http.responses.reply import Reply
from gateway.http.schema.responses import RESPONSES
from gateway.pipeline import Answer
from gateway.settings.keys import Key

Json = dict[str, Any]


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """A chat, or where only OpenAI can carry the request ``Operation.RESPONSES``; raises InvalidRequest, NotFound."""
    schema.check(RESPONSES, body)
    field = native.needs_provider(body)
    if field is None:
        engine.plan.chain(body["model"], Operation.CHAT)
    else:
        _check_carried(engine, body["model"], field)
    _check_allowed(scope.get("key"), body)
    kept = field is not None or (native.would_rather(body) and _first_carries(engine, body["model"]))
    stream = bool(body.get("stream"))
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=Operation.RESPONSES if kept else Operation.CHAT,
        model=body["model"],
        params=native.params(body) if kept else chat.params(body),
        stream=stream,
        usage_wanted=stream,
        learnt={"request": body},
        identity=identity,
    )


def _check_carried(engine: Engine, model: str, field: str) -> None:
    """Raises InvalidRequest naming the field, which the caller can do without, or NotFound for an unknown model."""
    try:
        engine.plan.chain(model, Operation.RESPONSES)
    except NotFound as error:
        if model != DEFAULT_MODEL and model not in engine.plan.names:
            raise
        message = f"'{field}' needs OpenAI itself, which keeps responses and runs its own tools. {error.message}"
        raise InvalidRequest(message, param=field, code="unsupported_parameter") from error


def _check_allowed(key: Key | None, body: Json) -> None:
    """Raises Forbidden for what would lead around a key's own limits: a tool's own model, and work that goes on when
    nobody counts any more what it takes."""
    if key is None:
        return
    for place, tool in enumerate(body.get("tools") or ()):
        if key.models is not None and tool.get("model") is not None:
            message = "This key may use some models only, and a tool may not name another."
            raise Forbidden(message, code="model_not_allowed", param=f"tools[{place}].model")
    if key.tokens_per_minute is not None and body.get("background"):
        raise Forbidden(
            "This key's tokens are limited, and no background work is.", code="not_counted", param="background"
        )


def _first_carries(engine: Engine, model: str) -> bool:
    """Whether the model that is asked first is one of OpenAI's."""
    try:
        first, *_ = engine.plan.chain(model, Operation.RESPONSES)
    except NotFound:
        return False
    return first == engine.plan.chain(model, Operation.CHAT)[0]


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """A ``response``, or its events."""
    events = _Events()
    if call.operation is Operation.RESPONSES:
        if call.stream:
            await sse.stream(send, events.native(answer), headers, failed=events.failed)
        else:
            chunks = [chunk async for chunk in answer.chunks]
            await send_json(send, chunks[-1].data["body"], headers=headers())
    elif call.stream:
        made = _Made(call)
        await sse.stream(send, events.of(made, answer), headers, failed=lambda error: events.failed(error, made))
    else:
        made = _Made(call)
        async for chunk in in_words_of(chat.NAMES, answer.chunks):
            deque(made.take(chunk.data), maxlen=0)
        *_, last = made.end()
        await send_json(send, last["response"], headers=headers())


class _Made:
    """The response to a call that is a chat."""

    def __init__(self, call: Call) -> None:
        self._trail = call.trail
        self._reply = Reply(call.learnt["request"], call.model)
        self._output = Output()
        self._begun = False

    def take(self, data: Mapping[str, Any]) -> Iterator[Json]:
        """The events of a chunk, the first of which begins the response."""
        if not self._begun:
            self._reply.note({"model": self._trail.model})
        self._reply.note(data)
        yield from self._begin()
        yield from self._output.take(data)

    def end(self) -> Iterator[Json]:
        """The events that end it."""
        yield from self._begin()
        yield from self._output.end()
        reason = self._output.reason
        status = "incomplete" if reason else "completed"
        yield {"type": f"response.{status}", "response": self._reply.body(status, self._output.items(), reason=reason)}

    def fail(self, error: GatewayError) -> Iterator[Json]:
        """The event that ends one that broke off."""
        self._output.abandon()
        yield {"type": "response.failed", "response": self._reply.failed(error, self._output.items())}

    def _begin(self) -> Iterator[Json]:
        if not self._begun:
            self._begun = True
            body = self._reply.body("in_progress", [])
            yield from ({"type": f"response.{name}", "response": body} for name in ("created", "in_progress"))


class _Events:
    """Encodes events, each with its number."""

    def __init__(self) -> None:
        self._next = 0

    async def of(self, made: _Made, answer: Answer) -> AsyncIterator[bytes]:
        """Those of a chat."""
        async for chunk in in_words_of(chat.NAMES, answer.chunks):
            events = self._encoded(made.take(chunk.data))
            if events:
                yield events
        yield self._encoded(made.end())

    async def native(self, answer: Answer) -> AsyncIterator[bytes]:
        """Those that OpenAI sent, with the numbers that they have."""
        async for chunk in answer.chunks:
            event = chunk.data["event"]
            number = event.get("sequence_number")
            self._next = (number if isinstance(number, int) else self._next) + 1
            yield sse.event(event, event["type"])

    def failed(self, error: GatewayError, made: _Made | None = None) -> bytes:
        """An error after the first event. Clients look for its fields at the top, or under ``error``."""
        ends = self._encoded(made.fail(error)) if made else b""
        told = error.body()
        fields = {key: told["error"][key] for key in ("code", "message", "param")}
        return ends + self._encoded([{"type": "error", **fields, **told}])

    def _encoded(self, events: Iterable[Json]) -> bytes:
        made = []
        for event in events:
            made.append(sse.event({**event, "sequence_number": self._next}, event["type"]))
            self._next += 1
        return b"".join(made)

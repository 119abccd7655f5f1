"""OpenAI's routes: parse into a Call, render as OpenAI does."""

from __future__ import annotations

import base64
import struct
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope, Send

from gateway.contract import DEFAULT_MODEL, Call, Identity, NotFound, Operation, Surface
from gateway.engine import Engine
from gateway.http import schema, sse
from gateway.http.control import shown
from gateway.http.endpoint import Headers
from gateway.http.reply import send_json
from gateway.pipeline import Answer
from gateway.upstream import fold

Json = dict[str, Any]
#: Accepted from any client, and of no meaning to a model.
KEPT_HERE = frozenset({"model", "stream", "stream_options", "metadata", "store"})


def parse_chat(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /v1/chat/completions``."""
    schema.check(schema.CHAT, body)
    engine.plan.chain(body["model"], Operation.CHAT)
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=Operation.CHAT,
        model=body["model"],
        params={key: value for key, value in body.items() if key not in KEPT_HERE and value is not None}
        | {"messages": _unparsed(body["messages"])},
        stream=bool(body.get("stream")),
        usage_wanted=bool((body.get("stream_options") or {}).get("include_usage")),
        identity=identity,
    )


def _unparsed(messages: list[Json]) -> list[Json]:
    """The messages without what OpenAI's client adds to replies that it has parsed, which no provider takes."""
    if not any("parsed" in message or message.get("tool_calls") for message in messages):
        return messages
    return [_unparsed_message(message) for message in messages]


def _unparsed_message(message: Json) -> Json:
    message = {key: value for key, value in message.items() if key != "parsed"}
    if message.get("tool_calls"):
        message["tool_calls"] = [
            {**call, "function": {key: value for key, value in call["function"].items() if key != "parsed_arguments"}}
            for call in message["tool_calls"]
        ]
    return message


def parse_embedding(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /v1/embeddings``. Floats are asked for whatever the caller wants, and encoded here."""
    schema.check(schema.EMBEDDING, body)
    engine.plan.chain(body["model"], Operation.EMBEDDING)
    params = {key: body[key] for key in ("input", "dimensions", "user") if body.get(key) is not None}
    encoding = body.get("encoding_format") or "float"
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=Operation.EMBEDDING,
        model=body["model"],
        params=params | {"encoding_format": "float"},
        learnt={"encoding_format": encoding},
        identity=identity,
    )


async def render_chat(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """A ``chat.completion``, or its chunks and ``[DONE]``."""
    if call.stream:
        await sse.stream(send, _events(answer), headers)
        return
    body = fold.completion([chunk async for chunk in answer.chunks])
    await send_json(send, body, headers=headers())


async def render_embedding(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """A list of embeddings, as floats or as base64 of little-endian 32-bit floats."""
    chunks = [chunk async for chunk in answer.chunks]
    body = dict(chunks[-1].data)
    if call.learnt.get("encoding_format") == "base64":
        body["data"] = [{**item, "embedding": _base64(item["embedding"])} for item in body["data"]]
    await send_json(send, body, headers=headers())


async def _events(answer: Answer) -> AsyncIterator[bytes]:
    """Chunks as OpenAI sends them: usage is there for who asked for it, null but in the last."""
    wanted = answer.call.usage_wanted
    async for chunk in answer.chunks:
        data = chunk.data
        if not wanted and "usage" in data:
            data = {key: value for key, value in data.items() if key != "usage"}
        elif wanted and "usage" not in data:
            data = {**data, "usage": None}
        if data["choices"] or data.get("usage"):
            yield sse.event(data)
    yield sse.event(b"[DONE]")


def _base64(numbers: list[float] | str) -> str:
    if isinstance(numbers, str):
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


class Models:
    """``GET /v1/models`` and ``GET /v1/models/{id}``: the names that callers may use."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def list(self, request: Request) -> JSONResponse:
        """All names that the caller's key may use, the default first."""
        engine: Engine = self._engine()
        names = [name for name in _names(engine, request) if name == DEFAULT_MODEL or _usable(engine, name)]
        return JSONResponse({"object": "list", "data": [_model(engine, name) for name in names]})

    async def one(self, request: Request) -> JSONResponse:
        """One of them; raises NotFound naming those there are."""
        engine: Engine = self._engine()
        name = request.path_params["name"]
        names = _names(engine, request)
        if name not in names:
            valid = ", ".join(names)
            raise NotFound(f"There is no such model here; there are: {valid}.", code="model_not_found", param="model")
        return JSONResponse(_model(engine, name))


def _names(engine: Engine, request: Request) -> list[str]:
    key = request.scope.get("key")
    return [name for name in (DEFAULT_MODEL, *engine.plan.names) if shown(engine, key, name)]


def _usable(engine: Engine, name: str) -> bool:
    """Whether a route of this gateway takes the model."""
    return any(d.does(operation) for d in engine.plan.deployments if d.group == name for operation in Operation)


def _model(engine: Engine, name: str) -> Json:
    group = engine.plan.local or engine.plan.primary if name == DEFAULT_MODEL else name
    owner = next((d.provider for d in engine.plan.deployments if d.group == group), "")
    return {"id": name, "object": "model", "created": engine.started, "owned_by": owner}

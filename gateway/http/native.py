"""OpenAI's routes that are no chat: a row says which operation a body asks for; the reply is passed on as it came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from starlette.types import Scope, Send

from gateway.contract import Call, Chunk, Identity, Operation, Surface
from gateway.engine import Engine
from gateway.http import schema, sse
from gateway.http.control import first
from gateway.http.endpoint import Headers
from gateway.http.reply import send_json, start
from gateway.http.schema.images import IMAGE
from gateway.http.schema.moderation import MODERATION
from gateway.http.schema.speech import SPEECH
from gateway.pipeline import Answer

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A route: its path, what it asks of a model, and the table that its body is held against. ``streamed`` where the
    reply is passed on as it comes, whatever the body says."""

    path: str
    operation: Operation
    table: TypeAdapter[Any]
    streamed: bool = False

    def parse(self, engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
        """A call; raises InvalidRequest, or NotFound saying what to configure."""
        schema.check(self.table, body)
        return call(engine, scope, body, identity, self.operation, streamed=self.streamed)


ROWS: Final[Sequence[Row]] = (
    Row("/v1/moderations", Operation.MODERATION, MODERATION),
    Row("/v1/images/generations", Operation.IMAGE_GENERATION, IMAGE),
    Row("/v1/audio/speech", Operation.SPEECH, SPEECH, streamed=True),
)


def call(
    engine: Engine, scope: Scope, body: Json, identity: Identity, operation: Operation, *, streamed: bool = False
) -> Call:
    """The call that a valid body asks for. Where it names no model, the first that can is asked; raises NotFound."""
    model = body.get("model") or first(engine, scope, operation)
    engine.plan.chain(model, operation)
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=operation,
        model=model,
        params={name: value for name, value in body.items() if name not in ("model", "stream") and value is not None},
        stream=streamed or bool(body.get("stream")),
        identity=identity,
    )


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """JSON, events or bytes, as the provider sent them."""
    del call
    chunks = aiter(answer.chunks)
    first = await anext(chunks)
    if "body" in first.data:
        await send_json(send, first.data["body"], headers=headers())
    elif "event" in first.data:
        await sse.stream(send, _events(first, chunks), headers)
    else:
        await _bytes(first, chunks, headers, send)


async def _events(first: Chunk, chunks: AsyncIterator[Chunk]) -> AsyncIterator[bytes]:
    yield _event(first)
    async for chunk in chunks:
        yield _event(chunk)


def _event(chunk: Chunk) -> bytes:
    event = chunk.data["event"]
    return sse.event(event, event["type"])


async def _bytes(first: Chunk, chunks: AsyncIterator[Chunk], headers: Headers, send: Send) -> None:
    """An error after the first of them leaves the response unfinished, so that the server breaks the connection: bytes
    have no other way to say that they are not whole."""
    await send(start(200, first.data["content_type"], headers().items()))
    await send({"type": "http.response.body", "body": first.data["bytes"], "more_body": True})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk.data["bytes"], "more_body": True})
    await send({"type": "http.response.body", "body": b""})

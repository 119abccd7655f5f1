"""The Ivy route: parse a question into a Call, render its answer as an envelope."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope, Send

from gateway.contract import (
    DEFAULT_MODEL,
    Call,
    Chunk,
    Identity,
    Operation,
    Question,
    Surface,
    UpstreamRejected,
)
from gateway.engine import Engine
from gateway.http import schema, sse
from gateway.http.reply import send_json
from gateway.pipeline import Answer

Json = dict[str, Any]
MOST_SOURCES = 3


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /ai/router/v2``. Without a policy that says otherwise the query is the one message."""
    del engine
    schema.check(schema.QUESTION, body)
    context = body.get("context") or {}
    capabilities = body.get("ui_capabilities")
    if identity.conversation is None and context.get("conversation_id"):
        identity = replace(identity, conversation=context["conversation_id"])
    return Call(
        request_id=scope["request_id"],
        surface=Surface.IVY,
        operation=Operation.CHAT,
        model=DEFAULT_MODEL,
        params={"messages": [{"role": "user", "content": body["query"]}]},
        stream=bool(body.get("stream")) or _wants_events(scope),
        question=Question(body["query"], context, None if capabilities is None else frozenset(capabilities)),
        identity=identity,
    )


async def render(answer: Answer, headers: Mapping[str, str], send: Send) -> None:
    """The envelope, or its events."""
    if answer.call.stream:
        await sse.stream(send, _events(answer), headers)
        return
    await send_json(send, envelope([chunk async for chunk in answer.chunks]), headers=headers)


def envelope(chunks: list[Chunk]) -> Json:
    """The conversational envelope that the chunks' texts and notes make."""
    notes: Json = {}
    for chunk in chunks:
        notes |= chunk.notes
    text = "".join(chunk.text for chunk in chunks)
    if not text.strip():
        raise UpstreamRejected("The model declined to answer this.", status=400, code="content_policy_violation")
    made: Json = {
        "kind": "conversational",
        "answer_markdown": text,
        "actions": notes.get("actions", []),
        "sources": notes.get("sources", [])[:MOST_SOURCES],
    }
    if "maybe_modal" in notes:
        made["maybe_modal"] = notes["maybe_modal"]
    return made


async def _events(answer: Answer) -> AsyncIterator[bytes]:
    """``meta``, then ``delta``s that together are ``answer_markdown``, then ``done`` with the whole envelope."""
    chunks: list[Chunk] = []
    async for chunk in answer.chunks:
        if not chunks:  # not before: an answer that fails before its first chunk is a reply with a status
            yield sse.event({"kind": "conversational"}, "meta")
        chunks.append(chunk)
        if chunk.text:
            yield sse.event({"text": chunk.text}, "delta")
    yield sse.event(envelope(chunks), "done")


def _wants_events(scope: Scope) -> bool:
    return "text/event-stream" in Headers(scope=scope).get("accept", "")

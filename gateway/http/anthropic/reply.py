"""A chat's answer as Anthropic's message: whole, or as its events.

Which stop sequence ended an answer no chat tells, so that ``stop_sequence`` is null and the reason ``end_turn``.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.types import Send

from gateway.contract import Call, Chunk, GatewayError
from gateway.http import foreign, sse
from gateway.http.anthropic import errors
from gateway.http.anthropic.blocks import Blocks
from gateway.http.endpoint import Headers
from gateway.http.reply import send_json
from gateway.pipeline import Answer
from gateway.upstream import fold

Json = dict[str, Any]
REASONS = {
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """A ``message``, or its events."""
    if call.stream:
        await sse.stream(send, _events(call, answer.chunks), headers, failed=_failed)
        return
    body = message(call, fold.completion([chunk async for chunk in answer.chunks]))
    await send_json(send, body, headers=headers())


def message(call: Call, completion: Json) -> Json:
    """The ``message`` of a ``chat.completion``."""
    choice = completion["choices"][0]
    said = choice["message"]
    calls, refusal = said.get("tool_calls") or [], said.get("refusal")
    reason = stop_reason(choice["finish_reason"], calls=bool(calls), refused=bool(refusal))
    content: list[Json] = []
    if call.learnt.get(foreign.THOUGHTS) and said.get("reasoning_content"):
        content.append({"type": "thinking", "thinking": said["reasoning_content"], "signature": ""})
    text = (said.get("content") or "") + (refusal or "")
    if text:
        content.append({"type": "text", "text": text})
    content += [_tool_use(one, cut=reason == "max_tokens") for one in calls]
    return head(call, completion) | {
        "content": content,
        "stop_reason": reason,
        "usage": usage(completion.get("usage")),
    }


def head(call: Call, data: Mapping[str, Any]) -> Json:
    """The message before anything of it is said."""
    identifier = str(data.get("id") or uuid.uuid4().hex)
    return {
        "id": "msg_" + identifier.removeprefix("chatcmpl-"),
        "type": "message",
        "role": "assistant",
        "model": data.get("model") or call.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(None),
    }


def usage(counted: Mapping[str, Any] | None) -> Json:
    """Anthropic's usage, whose input tokens leave out those that were read from a cache or written to one."""
    counts = foreign.Counts.of(counted)
    return {
        "input_tokens": max(0, counts.prompt - counts.cached - counts.written),
        "cache_creation_input_tokens": counts.written,
        "cache_read_input_tokens": counts.cached,
        "output_tokens": counts.answer,
    }


def stop_reason(finish: str | None, *, calls: bool, refused: bool) -> str:
    """Anthropic's word for why it ended. Some servers call it a plain stop where tools are called."""
    if refused:
        return "refusal"
    if calls and finish == "stop":
        return "tool_use"
    return REASONS.get(finish or "", "end_turn")


def _tool_use(call: Json, *, cut: bool) -> Json:
    return {
        "type": "tool_use",
        "id": call.get("id") or f"toolu_{uuid.uuid4().hex}",
        "name": call["function"].get("name") or "",
        "input": foreign.arguments(call, cut=cut),
    }


async def _events(call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[bytes]:
    """``message_start``, the blocks' events, ``message_delta`` with the usage, ``message_stop``."""
    blocks = Blocks(thoughts=bool(call.learnt.get(foreign.THOUGHTS)))
    counted: Mapping[str, Any] | None = None
    finish, begun = None, False
    async for chunk in chunks:
        counted = chunk.data.get("usage") or counted
        choices = [choice for choice in chunk.data.get("choices") or () if choice.get("index", 0) == 0]
        if choices and not begun:
            begun = True
            yield _event({"type": "message_start", "message": head(call, chunk.data)})
        for choice in choices:
            finish = choice.get("finish_reason") or finish
            for event in blocks.take(choice.get("delta") or {}):
                yield _event(event)
    for event in blocks.end():
        yield _event(event)
    reason = stop_reason(finish, calls=blocks.calls, refused=blocks.refused)
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": delta, "usage": usage(counted)})
    yield _event({"type": "message_stop"})


def _event(data: Json) -> bytes:
    return sse.event(data, data["type"])


def _failed(error: GatewayError) -> bytes:
    return sse.event(errors.body(error), "error")

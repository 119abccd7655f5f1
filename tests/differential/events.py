"""Makes of a whole reply the events of a stream, as its provider would have sent it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
TEXTS = ("reasoning_content", "reasoning", "content", "refusal")
PIECES = 3


def of(wire: str, body: Any) -> list[Any]:
    """The events of `body`; of what is no reply, the body itself as the only one."""
    if not isinstance(body, dict) or not ({"choices", "candidates"} & set(body)):
        return [body]
    return list((_openai if wire == "openai" else _gemini)(body))


def cut(text: str) -> list[str]:
    """The text in at most three pieces, none of them empty."""
    size = max(1, -(-len(text) // PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _openai(body: Json) -> Iterator[Any]:
    """Role, texts, calls and finish of each choice; the usage; `[DONE]`."""
    head = {key: value for key, value in body.items() if key not in ("choices", "usage", "object")}
    head["object"] = "chat.completion.chunk"
    for choice in body["choices"] or ():
        for number, delta in enumerate(_deltas(choice["message"])):
            logprobs = choice.get("logprobs") if number == 1 else None
            piece = {"index": choice["index"], "delta": delta, "logprobs": logprobs, "finish_reason": None}
            yield head | {"choices": [piece]}
        known = ("message", "logprobs")
        rest = {key: value for key, value in choice.items() if key not in known}
        yield head | {"choices": [{"delta": {}, "logprobs": None, **rest}]}
    if body.get("usage"):
        yield head | {"choices": [], "usage": body["usage"]}
    yield "[DONE]"


def _deltas(message: Json) -> Iterator[Json]:
    calls, function = message.get("tool_calls") or (), message.get("function_call")
    rest = {key: value for key, value in message.items() if key not in (*TEXTS, "tool_calls", "function_call")}
    opening = {key: None for key in TEXTS if key in message}
    yield {**opening, "content": None if message.get("content") is None else "", **rest}
    for key in TEXTS:
        for piece in cut(message.get(key) or ""):
            yield {key: piece}
    for index, call in enumerate(calls):
        begun = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        yield {"tool_calls": [begun]}
        for piece in cut(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    if function:
        yield {"function_call": {**function, "arguments": ""}}
        for piece in cut(function["arguments"]):
            yield {"function_call": {"arguments": piece}}


def _gemini(body: Json) -> Iterator[Any]:
    """A part or a piece of text each; the finish reasons, and all of the usage, with the last."""
    usage = body.get("usageMetadata")
    head = {key: value for key, value in body.items() if key not in ("candidates", "promptFeedback")}
    if usage:
        early = ("promptTokenCount", "promptTokensDetails")
        counted = {key: usage[key] for key in early if key in usage}
        head["usageMetadata"] = counted | {"totalTokenCount": usage.get("promptTokenCount", 0)}
    for candidate in body["candidates"]:
        parts = list(_parts((candidate.get("content") or {}).get("parts") or ()))
        for part in parts[:-1]:
            content = {"parts": [part], "role": "model"}
            yield head | {"candidates": [{"content": content, "index": candidate.get("index", 0)}]}
        last = dict(candidate)
        if parts:
            last["content"] = {**candidate["content"], "parts": parts[-1:]}
        tail = {key: body[key] for key in ("usageMetadata", "promptFeedback") if key in body}
        yield head | {"candidates": [last]} | tail


def _parts(parts: Any) -> Iterator[Json]:
    for part in parts:
        if isinstance(part.get("text"), str) and part["text"]:
            pieces = cut(part["text"])
            bare = {key: value for key, value in part.items() if key != "thoughtSignature"}
            for piece in pieces[:-1]:
                yield bare | {"text": piece}
            yield part | {"text": pieces[-1]}
        else:
            yield part

"""Gathers the chunks of a chat into one reply, as OpenAI defines the fields of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.contract import Chunk

Json = dict[str, Any]
JOINED = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
TOP_FIELDS = ("id", "created", "model", "system_fingerprint", "service_tier", "usage")


def completion(chunks: Iterable[Chunk]) -> Json:
    """The ``chat.completion`` object that the chunks make together."""
    reply: Json = {"object": "chat.completion"}
    choices: dict[int, Json] = {}
    for chunk in chunks:
        for key in TOP_FIELDS:
            if chunk.data.get(key) is not None:
                reply[key] = chunk.data[key]
        for choice in chunk.data.get("choices") or ():
            _add_choice(choices.setdefault(choice.get("index", 0), {"message": {}}), choice)
    reply["choices"] = [_finished(index, choices[index]) for index in sorted(choices)]
    return reply


def text(reply: Mapping[str, Any]) -> str:
    """The first choice's text, or an empty string."""
    choices = reply.get("choices") or ()
    return (choices[0]["message"].get("content") or "") if choices else ""


def _add_choice(whole: Json, piece: Mapping[str, Any]) -> None:
    for key, value in piece.items():
        if key == "delta":
            _add_delta(whole["message"], value or {})
        elif key == "message":  # a whole reply's field, which has no place in a chunk
            continue
        elif key == "logprobs":
            whole["logprobs"] = _joined_logprobs(whole.get("logprobs"), value)
        elif value is not None or key not in whole:
            whole[key] = value


def _add_delta(message: Json, delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            if value:
                message[key] = message.get(key) or []
                _add_tool_calls(message[key], value)
        elif key == "function_call":
            if value:
                message[key] = message.get(key) or {}
                _add_function(message[key], value)
        elif key in JOINED and isinstance(value, str) and isinstance(message.get(key), str):
            message[key] += value
        elif value is not None or key not in message:
            message[key] = value


def _add_tool_calls(calls: list[Json], pieces: Iterable[Mapping[str, Any]]) -> None:
    for piece in pieces:
        index = piece.get("index", len(calls))
        call = next((call for call in calls if call["index"] == index), None)
        if call is None:
            call = {"index": index, "function": {}}
            calls.append(call)
        for key, value in piece.items():
            if key == "function":
                _add_function(call["function"], value or {})
            elif value is not None:
                call[key] = value


def _add_function(function: Json, piece: Mapping[str, Any]) -> None:
    for key, value in piece.items():
        if key == "arguments" and isinstance(value, str):
            function[key] = function.get(key, "") + value
        elif value is not None:
            function[key] = value


def _joined_logprobs(whole: Json | None, piece: Mapping[str, Any] | None) -> Json | None:
    if not piece or not whole:
        return dict(piece) if piece else whole
    return {key: (whole.get(key) or []) + (piece.get(key) or []) or None for key in {**whole, **piece}}


def _finished(index: int, whole: Json) -> Json:
    """A choice with the fields that a client may rely on; a tool call's index belongs to streams only."""
    message = {"role": "assistant", "content": None, **whole.pop("message")}
    for call in message.get("tool_calls") or ():
        call.pop("index", None)
    return {"index": index, "message": message, "logprobs": None, "finish_reason": None, **whole}

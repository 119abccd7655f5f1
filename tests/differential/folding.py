"""A caller's view of a stream: its chunks put together, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ValidationError

Json = dict[str, Any]
HEAD = ("id", "object", "created", "model")


def folded(chunks: list[Json]) -> Json:
    """The chunks as one object, put together as OpenAI's clients do."""
    reply: Json = {"choices": {}}
    for chunk in chunks:
        reply |= {key: value for key, value in chunk.items() if key != "choices" and value is not None}
        for piece in chunk.get("choices") or ():
            choice = reply["choices"].setdefault(str(piece.get("index")), {"delta": {}})
            _add(choice, {key: value for key, value in piece.items() if key != "index"})
    return reply


def _add(kept: Json, more: Json) -> None:
    """Texts and lists go on; pieces of calls belong to the one of their index; of all else the last tells."""
    for key, value in more.items():
        old = kept.get(key)
        if key == "tool_calls" and value is not None:
            calls = kept.setdefault(key, {})
            for call in value:
                _add(calls.setdefault(str(call.get("index")), {}), {k: v for k, v in call.items() if k != "index"})
        elif value is None or (value == "" and old is not None):
            kept.setdefault(key, value)
        elif isinstance(value, dict):
            if not isinstance(old, dict):
                kept[key] = {}
            _add(kept[key], value)
        else:
            kept[key] = old + value if _goes_on(key, old, value) else value


def _goes_on(key: str, old: Any, value: Any) -> bool:
    if key in ("id", "type", "role", "finish_reason"):
        return False
    return any(isinstance(old, kind) and isinstance(value, kind) for kind in (list, str))


def complaints_of_stream(chunks: list[Json], *, model: str, usage: bool, done: bool) -> list[str]:
    """What a strict client would find wrong with the chunks, in words; each kind once."""
    found = [*_typed(ChatCompletionChunk, chunks)]
    found += [] if done else ["the stream does not end with [DONE]"]
    for key in HEAD:
        if len({repr(chunk.get(key)) for chunk in chunks}) > 1:
            found.append(f"{key} changes")
    if chunks and chunks[0].get("model") != model:
        found.append("the model is not the one that was asked")
    found += _order(chunks)
    told = [number for number, chunk in enumerate(chunks) if chunk.get("usage")]
    if usage and told not in ([], [len(chunks) - 1]):
        found.append("usage is not in the last chunk alone")
    if usage and any("usage" not in chunk for chunk in chunks):
        found.append("usage was asked for, and a chunk has no such field")
    if not usage and any("usage" in chunk for chunk in chunks):
        found.append("usage was not asked for")
    return list(dict.fromkeys(found))


def _order(chunks: list[Json]) -> Iterable[str]:
    """A choice begins with its role, and nothing of it follows its finish reason."""
    begun: set[Any] = set()
    ended: set[Any] = set()
    for chunk in chunks:
        for choice in chunk.get("choices") or ():
            index, delta = choice.get("index"), choice.get("delta") or {}
            if index in ended:
                yield "a choice goes on after its finish reason"
            if index not in begun and delta.get("role") != "assistant":
                yield "a choice does not begin with its role"
            if index in begun and delta.get("role"):
                yield "a choice tells its role twice"
            begun.add(index)
            if choice.get("finish_reason"):
                ended.add(index)
    if begun - ended:
        yield "a choice has no finish reason"


def complaints_of_whole(reply: Json, *, model: str) -> list[str]:
    """What a strict client would find wrong with a reply."""
    found = [*_typed(ChatCompletion, [reply])]
    if reply.get("model") != model:
        found.append("the model is not the one that was asked")
    return found


def _typed(shape: type[BaseModel], values: list[Json]) -> Iterable[str]:
    """Fields that OpenAI's own client has another type for."""
    for value in values:
        try:
            shape.model_validate(value, strict=True)
        except ValidationError as error:
            for one in error.errors():
                yield f"{'.'.join(str(part) for part in one['loc'] if not isinstance(part, int))}: {one['type']}"

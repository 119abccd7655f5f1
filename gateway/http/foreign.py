"""What formats other than OpenAI's share on their way to a chat and back.

A ``parse`` of such a format makes a call with OpenAI's parameters, and its ``render`` is given OpenAI's chunks, so that
every model answers it, with all that holds for a chat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from starlette.types import Scope

from gateway.bounded_json import TooNestedError, loads
from gateway.contract import Call, Identity, Operation, Surface, Unavailable
from gateway.engine import Engine

Json = dict[str, Any]
#: In ``Call.learnt``: that the caller wants to see the model's thoughts. Who did not ask for them may not expect them.
THOUGHTS = "shows_thoughts"
#: Thinking tokens up to which an effort is meant; above the last it is "high".
EFFORTS = ((4096, "low"), (16_384, "medium"))
#: OpenAI takes no longer name of an end user.
LONGEST_USER = 64


def chat_call(
    engine: Engine,
    scope: Scope,
    identity: Identity,
    *,
    model: str,
    params: Json,
    stream: bool,
    thoughts: bool,
    **learnt: Any,
) -> Call:
    """A call of OpenAI's chat, of parameters without those that are None; raises NotFound naming the models there
    are. ``learnt`` is for the renderer."""
    engine.plan.chain(model, Operation.CHAT)
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=Operation.CHAT,
        model=model,
        params={key: value for key, value in params.items() if value is not None},
        stream=stream,
        usage_wanted=stream,
        identity=identity,
        learnt={THOUGHTS: thoughts, **learnt},
    )


def effort(budget: int) -> str:
    """OpenAI's ``reasoning_effort`` for a budget of thinking tokens."""
    return next((word for most, word in EFFORTS if budget <= most), "high")


def schema_format(schema: Json) -> Json:
    """OpenAI's ``response_format`` for a JSON Schema: strict where OpenAI can be, which is where each object names
    all of its properties as required and takes no others."""
    asked: Json = {"name": "answer", "schema": schema}
    if schema.get("type") == "object" and _closed(schema):
        asked["strict"] = True
    return {"type": "json_schema", "json_schema": asked}


def _closed(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(map(_closed, schema))
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        required = schema.get("required")
        named = set(required) if isinstance(required, list) and all(isinstance(one, str) for one in required) else None
        known = set(properties) if isinstance(properties, dict) else set()
        if schema.get("additionalProperties") is not False or named != known:
            return False
    return all(map(_closed, schema.values()))


def data_url(media_type: str, data: str) -> str:
    """What is given as base64, as an address that holds it."""
    return f"data:{media_type};base64,{data}"


def image(url: str) -> Json:
    """A part of a chat's message."""
    return {"type": "image_url", "image_url": {"url": url}}


def text(words: str) -> Json:
    """A part of a chat's message."""
    return {"type": "text", "text": words}


def content(parts: list[Json]) -> str | list[Json]:
    """A message's parts; a text by itself as one, which every server takes."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def tool_call(name: str, identifier: str, arguments: Json) -> Json:
    """An assistant's call of a tool."""
    return {
        "id": identifier,
        "type": "function",
        "function": {"name": name, "arguments": orjson.dumps(arguments).decode()},
    }


def user(name: str | None) -> str | None:
    """The end user's name for OpenAI's ``user``; a longer one as its SHA-256, which is the same each time."""
    if name is None or len(name) <= LONGEST_USER:
        return name or None
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def arguments(call: Mapping[str, Any], *, cut: bool) -> Json:
    """The arguments of a tool call in a reply, as an object. Where the answer was cut by its limit they may be half
    of one, which is told as none; else raises Unavailable, for a tool must not be run with anything made up."""
    written = call["function"].get("arguments") or "{}"
    try:
        given = loads(written.encode("utf-8", "surrogatepass"))
    except (orjson.JSONDecodeError, TooNestedError):
        given = None
    if isinstance(given, dict):
        return given
    if cut:
        return {}
    message = "The model called a tool with arguments that are no JSON object. Ask again."
    raise Unavailable(message, code="invalid_tool_call", retry_after=1)


class Counts(NamedTuple):
    """Tokens, as OpenAI counts them: ``cached`` and ``written`` (to a cache) are among the prompt's, ``thoughts`` among
    the answer's."""

    prompt: int = 0
    answer: int = 0
    cached: int = 0
    written: int = 0
    thoughts: int = 0

    @classmethod
    def of(cls, usage: Mapping[str, Any] | None) -> Counts:
        """Of a chat's usage; zeros where there is none, or where a server makes none of it."""
        usage = usage or {}
        prompt, answer = (_mapping(usage.get(f"{name}_tokens_details")) for name in ("prompt", "completion"))
        return cls(
            _number(usage.get("prompt_tokens")),
            _number(usage.get("completion_tokens")),
            _number(prompt.get("cached_tokens")),
            _number(prompt.get("cache_creation_tokens")) or _number(usage.get("cache_creation_input_tokens")),
            _number(answer.get("reasoning_tokens")),
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0

"""Where the free text stands in what a provider is sent, so that a policy can change it and nothing else.

The data of images, audio and files, ids, roles, names of tools, and what a schema lists or names are no free text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from gateway.contract import InvalidRequest

DEEPEST = 100


class Change(Protocol):
    """What is done to a text."""

    def text(self, text: str) -> str:
        """Plain text, changed."""

    def json(self, text: str) -> str:
        """JSON text, as a tool is called with, changed and still JSON."""


def changed(params: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """A copy of a call's ``params`` with its texts changed; raises InvalidRequest for one nested beyond reason."""
    made: dict[str, Any] = PARAMS(change, params)
    return made


Rule = Callable[[Change, Any], Any]


def _text(change: Change, value: Any) -> Any:
    return change.text(value) if isinstance(value, str) else value


def _json(change: Change, value: Any) -> Any:
    return change.json(value) if isinstance(value, str) else value


def _each(rule: Rule) -> Rule:
    """``rule`` for every element of a list; a text in the list's place is a text."""
    return lambda change, value: (
        [rule(change, item) for item in value] if isinstance(value, list) else _text(change, value)
    )


def _fields(rules: Mapping[str, Rule]) -> Rule:
    """For each of an object's fields its rule; the others pass."""

    def apply(change: Change, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: rules[key](change, item) if key in rules else item for key, item in value.items()}

    return apply


def _deep(change: Change, value: Any, depth: int = 0) -> Any:
    """Every string of a value that may be of any shape."""
    _check(depth)
    if isinstance(value, Mapping):
        return {key: _deep(change, item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_deep(change, item, depth + 1) for item in value]
    return _text(change, value)


def _schema(change: Change, value: Any, depth: int = 0, *, names: bool = False) -> Any:
    """A JSON Schema's words. ``names`` says that the object's keys are a schema's names, not its keywords."""
    _check(depth)
    if isinstance(value, list):
        return [_schema(change, item, depth + 1) for item in value]
    if not isinstance(value, Mapping):
        return value
    made = dict(value)
    for key, item in value.items():
        if names:
            made[key] = _schema(change, item, depth + 1)
        elif key in SCHEMA_WORDS:
            made[key] = _deep(change, item, depth + 1)
        elif key not in SCHEMA_FIXED:
            made[key] = _schema(change, item, depth + 1, names=key in SCHEMA_NAMES)
    return made


def _check(depth: int) -> None:
    if depth > DEEPEST:
        raise InvalidRequest(f"A schema or an annotation is nested over {DEEPEST} levels deep.")


def strings(value: Any) -> Iterator[str]:
    """Every string in a value, keys included, however deep, in order."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            left += [part for pair in list(value.items())[::-1] for part in pair[::-1]]
        elif isinstance(value, list) and not (value and isinstance(value[0], int)):
            left += reversed(value)


SCHEMA_WORDS = frozenset({"description", "title", "$comment", "default", "examples"})
SCHEMA_FIXED = frozenset({"enum", "const", "required", "type"})
SCHEMA_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})

CONTENT = _each(_fields({"text": _text, "refusal": _text}))
CALLED = _fields({"arguments": _json})
FUNCTION = _fields({"description": _text, "parameters": _schema})
MESSAGE: dict[str, Rule] = {
    "content": CONTENT,
    "refusal": _text,
    "reasoning": _text,
    "reasoning_content": _text,
    "tool_calls": _each(_fields({"function": CALLED})),
    "function_call": CALLED,
    "annotations": _deep,
    "audio": _fields({"transcript": _text}),
}
PERSON = _fields({**MESSAGE, "name": _text})
TOOL = _fields(MESSAGE)


def _message(change: Change, value: Any) -> Any:
    """A person's name is personal; a tool's is what it is called by."""
    by_tool = isinstance(value, Mapping) and value.get("role") in ("tool", "function")
    return (TOOL if by_tool else PERSON)(change, value)


PARAMS = _fields(
    {
        "messages": _each(_message),
        "input": _each(_text),
        "tools": _each(_fields({"function": FUNCTION})),
        "functions": _each(FUNCTION),
        "response_format": _fields({"json_schema": _fields({"description": _text, "schema": _schema})}),
        "prediction": _fields({"content": CONTENT}),
        "stop": _each(_text),
        "user": _text,
        "safety_identifier": _text,
        "prompt_cache_key": _text,
    }
)

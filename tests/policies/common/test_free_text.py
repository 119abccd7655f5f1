from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.contract import InvalidRequest
from policies.common.free_text import DEEPEST, changed, strings


class Loud:
    """Puts texts in capitals, and JSON between angle brackets."""

    def text(self, text: str) -> str:
        return text.upper()

    def json(self, text: str) -> str:
        return f"<{text}>"


SCHEMA = {
    "type": "object",
    "title": "t",
    "description": "d",
    "properties": {
        "description": {"type": "string", "description": "a name", "enum": ["e"], "default": "f"},
        "default": {"const": "c", "examples": ["g", {"h": "i"}]},
        "enum": {"anyOf": [{"$comment": "j"}, {"$ref": "#/$defs/title"}]},
    },
    "$defs": {"title": {"type": "string", "title": "k"}},
    "required": ["description"],
}
LOUD_SCHEMA = {
    "type": "object",
    "title": "T",
    "description": "D",
    "properties": {
        "description": {"type": "string", "description": "A NAME", "enum": ["e"], "default": "F"},
        "default": {"const": "c", "examples": ["G", {"h": "I"}]},
        "enum": {"anyOf": [{"$comment": "J"}, {"$ref": "#/$defs/title"}]},
    },
    "$defs": {"title": {"type": "string", "title": "K"}},
    "required": ["description"],
}
FUNCTION, LOUD_FUNCTION = (
    {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
    {"name": "f", "description": "D", "parameters": LOUD_SCHEMA, "strict": True},
)
CALLED, LOUD_CALLED = {"name": "f", "arguments": "{}"}, {"name": "f", "arguments": "<{}>"}
CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"input": "a"}, {"input": "A"}),
    ({"input": ["a", "b"]}, {"input": ["A", "B"]}),
    ({"input": [1, 2]}, {"input": [1, 2]}),
    ({"input": [[1], [2]]}, {"input": [[1], [2]]}),
    ({"stop": "a"}, {"stop": "A"}),
    ({"stop": ["a"]}, {"stop": ["A"]}),
    ({"stop": None}, {"stop": None}),
    ({"user": "a", "safety_identifier": "b"}, {"user": "A", "safety_identifier": "B"}),
    ({"prompt_cache_key": "c", "seed": 1}, {"prompt_cache_key": "C", "seed": 1}),
    ({"reasoning_effort": "low", "tool_choice": "auto"}, {"reasoning_effort": "low", "tool_choice": "auto"}),
    ({"prediction": {"type": "content", "content": "a"}}, {"prediction": {"type": "content", "content": "A"}}),
    (
        {"tools": [{"type": "function", "function": FUNCTION}]},
        {"tools": [{"type": "function", "function": LOUD_FUNCTION}]},
    ),
    ({"functions": [FUNCTION]}, {"functions": [LOUD_FUNCTION]}),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "description": "d", "schema": SCHEMA},
            }
        },
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "description": "D", "schema": LOUD_SCHEMA},
            }
        },
    ),
]
MESSAGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"role": "user", "content": "a", "name": "ann"}, {"role": "user", "content": "A", "name": "ANN"}),
    ({"role": "tool", "content": "a", "tool_call_id": "b"}, {"role": "tool", "content": "A", "tool_call_id": "b"}),
    ({"role": "function", "content": "a", "name": "f"}, {"role": "function", "content": "A", "name": "f"}),
    ({"role": "assistant", "content": None, "refusal": "a"}, {"role": "assistant", "content": None, "refusal": "A"}),
    ({"content": "a", "function_call": CALLED}, {"content": "A", "function_call": LOUD_CALLED}),
    (
        {"tool_calls": [{"id": "a", "type": "function", "function": CALLED}], "reasoning_content": "r"},
        {"tool_calls": [{"id": "a", "type": "function", "function": LOUD_CALLED}], "reasoning_content": "R"},
    ),
    ({"audio": {"id": "a", "transcript": "b"}}, {"audio": {"id": "a", "transcript": "B"}}),
    ({"annotations": [{"a": {"b": "c"}}]}, {"annotations": [{"a": {"b": "C"}}]}),
    (
        {
            "content": [
                {"type": "text", "text": "a"},
                {"type": "refusal", "refusal": "b"},
                {"type": "image_url", "image_url": {"url": "data:a"}},
                {"type": "file", "file": {"file_data": "data:a"}},
                {"type": "input_audio", "input_audio": {"data": "a", "format": "wav"}},
            ]
        },
        {
            "content": [
                {"type": "text", "text": "A"},
                {"type": "refusal", "refusal": "B"},
                {"type": "image_url", "image_url": {"url": "data:a"}},
                {"type": "file", "file": {"file_data": "data:a"}},
                {"type": "input_audio", "input_audio": {"data": "a", "format": "wav"}},
            ]
        },
    ),
]
CASES += [({"messages": [before]}, {"messages": [after]}) for before, after in MESSAGES]


@pytest.mark.parametrize(("params", "expected"), CASES, ids=repr)
def test_texts_are_changed_and_nothing_else(params: dict[str, Any], expected: dict[str, Any]) -> None:
    before = repr(params)
    assert changed(params, Loud()) == expected
    assert repr(params) == before


def deep(levels: int, *, inner: Any = "a") -> Any:
    for _ in range(levels):
        inner = {"a": [inner]}
    return inner


@pytest.mark.parametrize("place", ["annotations", "parameters"])
def test_what_is_nested_beyond_reason_is_refused(place: str) -> None:
    for levels in (DEEPEST, 400):
        values = {"annotations": {"messages": [{"annotations": deep(levels)}]}}
        values["parameters"] = {"tools": [{"function": {"parameters": deep(levels)}}]}
        with pytest.raises(InvalidRequest, match="nested over"):
            changed(values[place], Loud())


def test_every_string_is_listed_in_order_however_deep() -> None:
    value = {"a": ["b", {"c": "d", "e": None}], "f": [1, "no token"], "g": "h"}
    assert list(strings(value)) == ["a", "b", "c", "d", "e", "f", "g", "h"]
    assert list(strings(deep(50_000))) == ["a"] * 50_001


def test_a_list_of_tokens_is_not_walked() -> None:
    class Tokens(list[int]):
        def __reversed__(self) -> Iterator[int]:
            raise AssertionError("walked")

    assert list(strings({"input": Tokens([1, 2])})) == ["input"]

from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import InvalidRequest
from gateway.http import schema
from gateway.http.responses.chat import params, wants_logprobs
from gateway.http.schema.responses import RESPONSES

SCHEMA = {"type": "object"}
LOGPROBS = "message.output_text.logprobs"


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "name": name, "description": "d", "parameters": SCHEMA, "strict": True}


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": SCHEMA, "strict": True}}


TOOLS = [function("a"), function("b")]


def asked(**changes: Any) -> dict[str, Any]:
    body = {"model": "m", "input": "hello", **changes}
    schema.check(RESPONSES, body)
    made = params(body)
    schema.check(schema.CHAT, {"model": "m", **made})
    assert made.pop("messages") == [{"role": "user", "content": "hello"}]
    return made


@pytest.mark.parametrize(
    ("changes", "made"),
    [
        ({}, {}),
        ({"max_output_tokens": 5}, {"max_completion_tokens": 5}),
        ({"temperature": 0, "top_p": 0}, {"temperature": 0, "top_p": 0}),
        ({"user": "u", "safety_identifier": "s"}, {"user": "u", "safety_identifier": "s"}),
        ({"prompt_cache_key": "k", "service_tier": "flex"}, {"prompt_cache_key": "k", "service_tier": "flex"}),
        ({"metadata": {"a": "b"}, "store": False, "stream": True, "truncation": "disabled"}, {}),
        ({"prompt_cache_retention": "24h", "max_tool_calls": 2, "stream_options": {"include_obfuscation": True}}, {}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": None, "text": None, "tools": None, "include": None}, {}),
        ({"text": {"verbosity": "low", "format": {"type": "text"}}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
                }
            },
        ),
        ({"include": [LOGPROBS]}, {"logprobs": True}),
        ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"top_logprobs": 0}, {}),
        (
            {"tools": TOOLS, "parallel_tool_calls": False},
            {"tools": [tool("a"), tool("b")], "parallel_tool_calls": False},
        ),
        ({"tools": [{"type": "function", "name": "a"}]}, {"tools": [{"type": "function", "function": {"name": "a"}}]}),
        ({"tools": TOOLS, "tool_choice": "none"}, {"tools": [tool("a"), tool("b")], "tool_choice": "none"}),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "name": "b"}},
            {"tools": [tool("a"), tool("b")], "tool_choice": {"type": "function", "function": {"name": "b"}}},
        ),
        (
            {
                "tools": TOOLS,
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "b"}],
                },
            },
            {"tools": [tool("b")], "tool_choice": "required"},
        ),
        ({"parallel_tool_calls": True, "tool_choice": "auto"}, {}),
    ],
)
def test_a_response_s_parameters_are_a_chat_s(changes: dict[str, Any], made: dict[str, Any]) -> None:
    assert asked(**changes) == made


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "name": "c"}}, "tool_choice.name"),
        (
            {
                "tools": TOOLS,
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "a"}, {"type": "function"}],
                },
            },
            "tool_choice.tools[1].name",
        ),
    ],
)
def test_a_tool_that_is_not_there_is_named(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(**changes)
    assert caught.value.param == param


def test_who_wants_log_probabilities() -> None:
    assert wants_logprobs({"include": [LOGPROBS]})
    assert wants_logprobs({"top_logprobs": 1})
    assert not wants_logprobs({"include": ["message.input_image.image_url"], "top_logprobs": 0})

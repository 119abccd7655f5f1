from __future__ import annotations

from typing import Any

import pytest

from gateway.http import schema
from gateway.http.responses.native import needs_provider, params, would_rather
from gateway.http.schema.responses import RESPONSES

FUNCTION = {"type": "function", "name": "f"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "rain"}
IMAGE = {"type": "input_image", "image_url": "data:,"}


def asked(**changes: Any) -> dict[str, Any]:
    body = {"model": "m", "input": "hello", **changes}
    schema.check(RESPONSES, body)
    return body


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
        ({"background": True}, "background"),
        ({"store": True}, "store"),
        ({"truncation": "auto"}, "truncation"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"reasoning": {"context": "all_turns"}}, "reasoning.context"),
        ({"tools": [FUNCTION, {"type": "mcp", "server_label": "s"}]}, "tools[1]"),
        ({"tools": [{**FUNCTION, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [{**FUNCTION, "allowed_callers": ["direct", "programmatic"]}]}, "tools[0].allowed_callers"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice"),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION, {"type": "mcp"}]}},
            "tool_choice.tools[1]",
        ),
        ({"input": [user(), {"id": "msg_1"}][1:]}, "input[0]"),
        ({"input": [CALL, {"type": "item_reference", "id": "msg_1"}]}, "input[1]"),
        ({"input": [{"type": "web_search_call"}]}, "input[0]"),
        ({"input": [{**CALL, "namespace": "n"}]}, "input[0].namespace"),
        ({"input": [{**CALL, "caller": {"type": "program", "caller_id": "p"}}]}, "input[0].caller"),
        ({"input": [user(IMAGE, {"type": "input_image", "file_id": "file_1"})]}, "input[0].content[1].file_id"),
        ({"input": [user({"type": "input_file", "file_url": "https://x"})]}, "input[0].content[0].file_url"),
        (
            {"input": [CALL, {**OUTPUT, "output": [{"type": "input_image", "file_id": "file_1"}]}]},
            "input[1].output[0].file_id",
        ),
    ],
)
def test_what_only_openai_can_carry_is_named(changes: dict[str, Any], field: str) -> None:
    assert needs_provider(asked(**changes)) == field


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"store": False, "background": False, "truncation": "disabled", "previous_response_id": None},
        {"context_management": [], "include": [], "tools": [], "conversation": None},
        {"include": ["message.output_text.logprobs", "message.input_image.image_url"], "top_logprobs": 3},
        {"include": ["reasoning.encrypted_content", "web_search_call.results"]},
        {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "x"}]},
        {"reasoning": {"effort": "low", "summary": "auto", "mode": "standard", "context": "current_turn"}},
        {"tools": [{**FUNCTION, "defer_loading": False, "allowed_callers": ["direct"]}], "tool_choice": "required"},
        {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "f"}},
        {"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION]}},
        {"input": [user(IMAGE, {"type": "input_file", "file_id": "file_1"}), {"type": "reasoning", "summary": []}]},
        {"input": [{**CALL, "caller": {"type": "direct"}}, OUTPUT]},
        {"prompt_cache_options": {"mode": "explicit"}, "max_tool_calls": 3, "metadata": {"a": "b"}},
    ],
)
def test_a_chat_has_words_for_the_rest(changes: dict[str, Any]) -> None:
    assert needs_provider(asked(**changes)) is None


def test_openai_is_sent_what_it_knows() -> None:
    part = {"type": "output_text", "text": "a", "annotations": [], "parsed": {"a": 1}}
    body = asked(
        store=True,
        stream=True,
        temperature=None,
        input=[
            {"role": "assistant", "content": [part]},
            {**CALL, "provider_specific_fields": {"a": "b"}, "parsed_arguments": {}},
        ],
    )
    kept = {key: value for key, value in part.items() if key != "parsed"}
    assert params(body) == {"store": True, "input": [{"role": "assistant", "content": [kept]}, CALL]}
    assert body["input"][0]["content"][0] is part
    assert params(asked(previous_response_id="r")) == {"input": "hello", "previous_response_id": "r"}


@pytest.mark.parametrize(
    ("changes", "rather"),
    [
        ({}, False),
        ({"include": ["message.output_text.logprobs"], "input": [{"type": "reasoning", "summary": []}]}, False),
        ({"include": ["reasoning.encrypted_content"]}, True),
        ({"input": [CALL, {"type": "reasoning", "summary": [], "encrypted_content": "x"}]}, True),
    ],
)
def test_sealed_reasoning_is_better_sent_to_openai(changes: dict[str, Any], rather: bool) -> None:
    assert would_rather(asked(**changes)) is rather

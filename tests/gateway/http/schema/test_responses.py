from __future__ import annotations

from typing import Any, get_args

import pytest
from openai.types import responses as theirs
from openai.types.responses import response_create_params as params
from openai.types.responses.response_format_text_config_param import ResponseFormatTextConfigParam
from openai.types.responses.response_includable import ResponseIncludable
from openai.types.responses.response_text_config_param import ResponseTextConfigParam
from openai.types.shared_params import Reasoning, ResponseFormatText
from typing_extensions import get_type_hints

from gateway.http import schema
from gateway.http.schema import options
from gateway.http.schema import responses as ours
from gateway.http.schema.responses import RESPONSES, ResponsesBody
from tests.support.parameter_types import kinds, literals, tags
from tests.support.schema import ATTACKS, refused

ASKED: dict[str, Any] = {"model": "m", "input": "hello"}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "model": ["m"],
    "input": ["a", "", [{"role": "user", "content": "a"}]],
    "stream": [True],
    "stream_options": [{"include_obfuscation": False}],
    "background": [True],
    "context_management": [[{"type": "compaction", "compact_threshold": 1000}]],
    "conversation": ["conv_1", {"id": "conv_1"}],
    "include": [[], list(get_args(ResponseIncludable))],
    "instructions": ["a"],
    "max_output_tokens": [1],
    "max_tool_calls": [1],
    "metadata": [{"a": "b"}, {}],
    "moderation": [{"model": "m", "policy": {"input": {"mode": "score"}}}],
    "parallel_tool_calls": [False],
    "previous_response_id": ["resp_1"],
    "prompt": [{"id": "pmpt_1", "variables": {"a": "b"}, "version": "2"}],
    "prompt_cache_key": ["k"],
    "prompt_cache_options": [{"mode": "implicit", "ttl": "30m"}],
    "prompt_cache_retention": ["24h"],
    "reasoning": [{"effort": "low", "summary": "auto", "generate_summary": None, "context": "auto", "mode": "pro"}],
    "safety_identifier": ["s"],
    "service_tier": ["auto", "fast"],
    "store": [True],
    "temperature": [0, 2],
    "text": [
        {"verbosity": "low"},
        {"format": {"type": "text"}},
        {"format": {"type": "json_object"}},
        {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    ],
    "tool_choice": [
        "none",
        "required",
        {"type": "function", "name": "f"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        {"type": "mcp", "server_label": "s"},
    ],
    "tools": [[], [FUNCTION, {"type": "web_search", "search_context_size": "low"}]],
    "top_logprobs": [0, 20],
    "top_p": [0, 1],
    "truncation": ["auto", "disabled"],
    "user": ["u"],
}
#: Our tables, and that of OpenAI's client which each stands for.
TABLES: dict[str, tuple[Any, Any]] = {
    "body": (ResponsesBody, params.ResponseCreateParamsStreaming),
    "function tool": (ours.FunctionTool, theirs.FunctionToolParam),
    "named tool": (ours.NamedTool, theirs.ToolChoiceFunctionParam),
    "allowed tools": (ours.AllowedTools, theirs.ToolChoiceAllowedParam),
    "plain format": (ours.PlainFormat, ResponseFormatText),
    "schema format": (ours.SchemaFormat, theirs.ResponseFormatTextJSONSchemaConfigParam),
    "text": (ours.TextConfig, ResponseTextConfigParam),
    "reasoning": (ours.ReasoningConfig, Reasoning),
    "stream options": (ours.StreamOptions, params.StreamOptions),
    "prompt": (ours.PromptTemplate, theirs.ResponsePromptParam),
    "conversation": (ours.ConversationId, theirs.ResponseConversationParamParam),
    "context management": (ours.ContextManagement, params.ContextManagement),
    "moderation": (options.Moderation, params.Moderation),
    "moderation policy": (options.ModerationPolicy, params.ModerationPolicy),
    "moderation policy of input": (options.PolicyMode, params.ModerationPolicyInput),
    "moderation policy of output": (options.PolicyMode, params.ModerationPolicyOutput),
    "cache options": (options.CacheOptions, params.PromptCacheOptions),
}
#: Whose values are looked at elsewhere: unions of tables, names that anything may be, and what is true of one way only.
OPEN = {"body": {"model", "stream", "tool_choice"}, "reasoning": {"mode"}, "plain format": {"type"}}


@pytest.mark.parametrize("name", list(TABLES))
def test_each_table_has_what_openai_s_client_can_send(name: str) -> None:
    found, expected = (get_type_hints(table) for table in TABLES[name])
    assert set(found) == set(expected)
    for field in set(expected) - OPEN.get(name, set()):
        assert literals(found[field]) - {None} == literals(expected[field]) - {None}, field


def test_every_kind_of_tool_choice_and_format_is_known() -> None:
    assert tags(ours.Tool) == kinds(theirs.ToolParam)
    assert tags(ours.NamedChoice) == kinds(params.ToolChoice)
    assert tags(ours.Format) == kinds(ResponseFormatTextConfigParam)
    assert literals(get_type_hints(ours.PlainFormat)["type"]) == tags(ours.Format) - {"json_schema"}


def test_every_parameter_has_a_good_value_here() -> None:
    assert set(GOOD) == set(get_type_hints(ResponsesBody))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_openai_s_schema_has_is_accepted(name: str, value: Any) -> None:
    schema.check(RESPONSES, {**ASKED, name: value})


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"model", "input"}))
def test_a_null_is_as_good_as_nothing(name: str) -> None:
    schema.check(RESPONSES, {**ASKED, name: None})


@pytest.mark.parametrize("name", [*ATTACKS, "messages", "n", "stop", "response_format", "seed"])
def test_anything_else_is_refused(name: str) -> None:
    error = refused(RESPONSES, {**ASKED, name: "x"})
    assert (error.code, error.param) == ("unknown_parameter", name)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"model": None}, "invalid_type", "model"),
        ({"input": None}, "invalid_type", "input"),
        ({"input": []}, "invalid_value", "input"),
        ({"input": {"a": 1}}, "invalid_value", "input"),
        ({"input": [{"role": "user", "content": "a", "x": 1}]}, "unknown_parameter", "input[0].x"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].name"),
        ({"tools": [{**FUNCTION, "function": {}}]}, "unknown_parameter", "tools[0].function"),
        ({"tools": [{"type": "telepathy"}]}, "invalid_value", "tools[0].type"),
        ({"tool_choice": "maybe"}, "invalid_value", "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "tool_choice.name"),
        ({"text": {"format": {"type": "xml"}}}, "invalid_value", "text.format.type"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n"}}},
            "missing_required_parameter",
            "text.format.schema",
        ),
        ({"reasoning": {"effort": "much"}}, "invalid_value", "reasoning.effort"),
        ({"include": ["everything"]}, "invalid_value", "include[0]"),
        ({"temperature": 3}, "invalid_value", "temperature"),
        ({"max_output_tokens": 0}, "invalid_value", "max_output_tokens"),
        ({"metadata": {"a": 1}}, "invalid_type", "metadata.a"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "invalid_value", "metadata"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], code: str, param: str) -> None:
    error = refused(RESPONSES, {**ASKED, **changes})
    assert (error.code, error.param) == (code, param)

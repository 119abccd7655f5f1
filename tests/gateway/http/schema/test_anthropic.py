from __future__ import annotations

from typing import Any

import pytest
from anthropic import types
from anthropic.types import message_create_params as params
from typing_extensions import get_type_hints

from gateway.http import schema
from gateway.http.schema.anthropic import COUNT, MESSAGES, CountBody, MessagesBody, OutputConfig, Tool, ToolChoice
from tests.support.parameter_types import tags
from tests.support.schema import ATTACKS, refused

HI = {"role": "user", "content": "hi"}
BODY: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [HI]}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "messages": [[HI]],
    "model": ["m"],
    "system": ["a", "", [{"type": "text", "text": "a"}]],
    "tools": [[TOOL], [{**TOOL, "type": "custom", "strict": True, "allowed_callers": ["direct"]}], []],
    "tool_choice": [{"type": "auto"}, {"type": "any"}, {"type": "none"}, {"type": "tool", "name": "f"}],
    "thinking": [
        {"type": "enabled", "budget_tokens": 1024},
        {"type": "disabled"},
        {"type": "between_tools"},
        {"type": "adaptive", "display": "omitted"},
    ],
    "output_config": [{"effort": "max"}, {"format": {"type": "json_schema", "schema": {"type": "object"}}}],
    "output_format": [{"type": "json_schema", "schema": {"type": "object"}}],
    "cache_control": [{"type": "ephemeral", "ttl": "5m"}],
    "speed": ["standard"],
    "max_tokens": [1],
    "stream": [True, False],
    "temperature": [0, 1, 0.5],
    "top_p": [0, 1],
    "top_k": [0, 40],
    "stop_sequences": [["a", "b", "c", "d"], []],
    "metadata": [{"user_id": "u"}, {"user_id": None}, {}],
    "service_tier": ["auto", "standard_only"],
    "diagnostics": [{"previous_message_id": "msg_1"}],
    "context_management": [{"edits": []}],
    "container": [],
    "inference_geo": [],
}
#: Of Anthropic's client's parameters: those that travel as headers.
HEADERS = {"user_profile_id", "workspace_id"}
#: Of ours: what older clients send and the client takes as a parameter no more, and what is in its beta only.
OLDER = {"temperature", "top_p", "top_k", "output_format"}
BETA = {"context_management"}


def test_every_parameter_has_a_good_value_here() -> None:
    assert set(GOOD) == set(get_type_hints(MessagesBody))


def test_the_parameters_are_those_of_anthropic_s_client() -> None:
    theirs = set(get_type_hints(params.MessageCreateParamsNonStreaming)) | {"stream"}
    assert set(get_type_hints(MessagesBody)) == theirs - HEADERS | OLDER | BETA
    theirs = set(get_type_hints(types.MessageCountTokensParams))
    assert set(get_type_hints(CountBody)) == theirs - HEADERS | {"output_format"}


def test_what_the_parameters_hold_is_what_anthropic_s_client_has() -> None:
    assert set(get_type_hints(Tool)) == set(get_type_hints(types.ToolParam))
    assert set(get_type_hints(OutputConfig)) == set(get_type_hints(types.OutputConfigParam))
    assert tags(ToolChoice) == {"auto", "any", "none", "tool"}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_anthropic_s_schema_has_is_accepted(name: str, value: Any) -> None:
    schema.check(MESSAGES, {**BODY, name: value})


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"messages", "model", "max_tokens"}))
def test_a_null_is_as_good_as_nothing(name: str) -> None:
    schema.check(MESSAGES, {**BODY, name: None})


@pytest.mark.parametrize("name", ["messages", "model", "max_tokens"])
def test_what_is_required_may_be_neither_missing_nor_null(name: str) -> None:
    error = refused(MESSAGES, {key: value for key, value in BODY.items() if key != name})
    assert (error.code, error.param) == ("missing_required_parameter", name)
    assert refused(MESSAGES, {**BODY, name: None}).param == name


@pytest.mark.parametrize("name", [name for name in ATTACKS if name != "MESSAGES"])
def test_what_litellm_would_act_on_is_refused_by_name(name: str) -> None:
    error = refused(MESSAGES, {**BODY, name: "x"})
    assert (error.code, error.param) == ("unknown_parameter", name)


@pytest.mark.parametrize(
    ("changes", "param", "says"),
    [
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"max_tokens": "9"}, "max_tokens", "valid integer"),
        ({"temperature": 1.1}, "temperature", "less than or equal to 1"),
        ({"stop_sequences": ["a"] * 5}, "stop_sequences", "at most 4"),
        ({"stop_sequences": [""]}, "stop_sequences[0]", "at least 1 character"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens", "Missing"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "thinking.budget_tokens", "1024"),
        ({"thinking": {"type": "deep"}}, "thinking.type", "'adaptive'"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name", "Missing"),
        ({"tool_choice": "any"}, "tool_choice.type", "'any'"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema", "Missing"),
        ({"tools": [{**TOOL, "name": "a b"}]}, "tools[0].name", "pattern"),
        ({"tools": [{**TOOL, "api_base": "x"}]}, "tools[0].api_base", "Unknown"),
        (
            {"tools": [{**TOOL, "type": "bash_20250124"}]},
            "tools[0].type",
            "this gateway can't run Anthropic's own tools",
        ),
        (
            {"tools": [{**TOOL, "allowed_callers": ["code_execution_20250825"]}]},
            "tools[0].allowed_callers[0]",
            "direct",
        ),
        ({"metadata": {"user": "u"}}, "metadata.user", "Unknown"),
        ({"service_tier": "priority"}, "service_tier", "'standard_only'"),
        ({"speed": "fast"}, "speed", "'standard'"),
        ({"container": "c1"}, "container", "only Anthropic"),
        ({"inference_geo": "us"}, "inference_geo", "only Anthropic"),
        ({"cache_control": {"type": "ephemeral", "ttl": "1d"}}, "cache_control.ttl", "'1h'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, Any], param: str, says: str) -> None:
    error = refused(MESSAGES, {**BODY, **changes})
    assert error.param == param
    assert says in error.message


def test_to_be_counted_needs_no_limit_and_takes_none() -> None:
    schema.check(COUNT, {"model": "m", "messages": [HI]})
    assert refused(COUNT, BODY).param == "max_tokens"

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from gateway.contract import InvalidRequest
from gateway.http import schema

HELLO = {"role": "user", "content": "hello"}
CHAT: dict[str, Any] = {"model": "m", "messages": [HELLO]}
EMBEDDING: dict[str, Any] = {"model": "m", "input": "hello"}
QUESTION: dict[str, Any] = {"query": "hello"}
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(**changes: Any) -> None:
    schema.check(schema.CHAT, {**CHAT, **changes})


def message(**fields: Any) -> None:
    chat(messages=[HELLO, fields])


def refused(adapter: Any, body: dict[str, Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        schema.check(adapter, body)
    assert caught.value.status == 400
    return caught.value


#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "messages": [[HELLO]],
    "model": ["m"],
    "stream": [True],
    "stream_options": [{"include_usage": True}, {"include_obfuscation": False}, {"include_usage": None}],
    "temperature": [0, 2, 0.5],
    "top_p": [0, 1],
    "n": [1, 128],
    "max_tokens": [1, 4096],
    "max_completion_tokens": [1],
    "stop": ["a", ["a", "b", "c", "d"], []],
    "presence_penalty": [-2, 2],
    "frequency_penalty": [-2, 2],
    "logit_bias": [{"50256": -100}, {}],
    "logprobs": [True],
    "top_logprobs": [0, 20],
    "seed": [-(2**63), 2**63 - 1],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True}},
    ],
    "tools": [[TOOL], [{"type": "function", "function": {"name": "f"}}], []],
    "tool_choice": ["none", "auto", "required", {"type": "function", "function": {"name": "f"}}],
    "parallel_tool_calls": [False],
    "user": ["u"],
    "reasoning_effort": ["none", "minimal", "low", "medium", "high", "xhigh"],
    "functions": [[FUNCTION]],
    "function_call": ["none", "auto", {"name": "f"}],
    "modalities": [["text"], ["text", "audio"]],
    "prediction": [
        {"type": "content", "content": "a"},
        {"type": "content", "content": [{"type": "text", "text": "a"}]},
    ],
    "service_tier": ["auto", "default", "flex", "scale", "priority"],
    "safety_identifier": ["s"],
    "prompt_cache_key": ["k"],
    "verbosity": ["low", "medium", "high"],
    "metadata": [{"a": "b"}, {}],
    "store": [True],
}


def test_every_parameter_has_a_good_value_here() -> None:
    assert set(GOOD) == set(get_type_hints(schema.ChatBody))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_openai_s_schema_has_is_accepted(name: str, value: Any) -> None:
    chat(**{name: value})


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"messages", "model"}))
def test_a_null_is_as_good_as_nothing(name: str) -> None:
    chat(**{name: None})


@pytest.mark.parametrize("name", ["messages", "model"])
def test_what_is_required_may_be_neither_missing_nor_null(name: str) -> None:
    error = refused(schema.CHAT, {key: value for key, value in CHAT.items() if key != name})
    assert (error.code, error.param) == ("missing_required_parameter", name)
    error = refused(schema.CHAT, {**CHAT, name: None})
    assert (error.code, error.param) == ("invalid_type", name)


ATTACKS = [
    "api_base", "base_url", "api_key", "api_version", "extra_headers", "extra_body", "headers", "fallbacks",
    "context_window_fallbacks", "mock_response", "mock_tool_calls", "custom_llm_provider", "organization",
    "deployment_id", "timeout", "num_retries", "max_retries", "model_list", "aws_access_key_id", "proxy_server_request",
    "litellm_params", "litellm_metadata", "cache", "no-log", "guardrails", "tags", "Model", "MESSAGES", "stream ", "",
]  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(
    ("adapter", "body"),
    [(schema.CHAT, CHAT), (schema.EMBEDDING, EMBEDDING), (schema.QUESTION, QUESTION)],
    ids=["chat", "embedding", "question"],
)
@pytest.mark.parametrize("value", ["http://evil", None], ids=["text", "null"])
def test_every_other_parameter_is_refused_by_its_name(
    adapter: Any, body: dict[str, Any], name: str, value: Any
) -> None:
    error = refused(adapter, {**body, name: value})
    assert (error.code, error.param) == ("unknown_parameter", name)
    assert f"'{name}'" in error.message
    assert "evil" not in error.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({**HELLO, "api_base": "x"}, "messages[1].api_base"),
        ({**HELLO, "cache_control": {}}, "messages[1].cache_control"),
        ({"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}, "messages[1].content[0].x"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "format": "x"}}]},
            "messages[1].content[0].image_url.format",
        ),
        ({"role": "assistant", "tool_calls": [{**CALL, "x": 1}]}, "messages[1].tool_calls[0].x"),
    ],
)
def test_an_unknown_name_deeper_down_is_refused_too(fields: dict[str, Any], param: str) -> None:
    error = refused(schema.CHAT, {**CHAT, "messages": [HELLO, fields]})
    assert (error.code, error.param) == ("unknown_parameter", param)


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "a"}], "name": "n"},
        {"role": "user", "content": "a", "name": None},
        {"role": "user", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "AA", "filename": "a.pdf"}},
            ],
        },
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": [{**CALL, "index": 0, "provider_specific_fields": {"s": "x"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "function_call": {"name": "f", "arguments": ""}},
        {"role": "assistant", "content": "a", "refusal": None, "annotations": [], "audio": None, "tool_calls": None},
        {"role": "tool", "content": "a", "tool_call_id": "c1"},
        {"role": "function", "content": None, "name": "f"},
    ],
)
def test_every_kind_of_message_is_accepted(fields: dict[str, Any]) -> None:
    message(**fields)


ROLES = "'system', 'developer', 'user', 'assistant', 'tool', 'function'"
BAD: list[tuple[dict[str, Any], str, str, str]] = [
    ({"messages": []}, "invalid_value", "messages", "at least 1 item"),
    ({"messages": "hello"}, "invalid_type", "messages", "valid list"),
    ({"messages": [{}]}, "invalid_value", "messages[0].role", f"it must be one of {ROLES}"),
    ({"messages": ["hello"]}, "invalid_value", "messages[0].role", "it must be one of"),
    ({"messages": [{"role": "boss", "content": "a"}]}, "invalid_value", "messages[0].role", "it must be one of"),
    ({"messages": [{"role": ["user"], "content": "a"}]}, "invalid_value", "messages[0].role", "it must be one of"),
    ({"messages": [HELLO, {"role": "user"}]}, "missing_required_parameter", "messages[1].content", "Missing"),
    ({"messages": [{"role": "user", "content": None}]}, "invalid_type", "messages[0].content", "valid string"),
    ({"messages": [{"role": "user", "content": 5}]}, "invalid_type", "messages[0].content", "valid string"),
    ({"messages": [{"role": "user", "content": []}]}, "invalid_value", "messages[0].content", "at least 1 item"),
    (
        {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
        "invalid_value",
        "messages[0].content[0].type",
        "'text', 'image_url', 'input_audio', 'file'",
    ),
    (
        {"messages": [{"role": "tool", "content": "a"}]},
        "missing_required_parameter",
        "messages[0].tool_call_id",
        "Missing",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{**CALL, "type": "x"}]}]},
        "invalid_value",
        "messages[0].tool_calls[0].type",
        "'function'",
    ),
    ({"model": ""}, "invalid_value", "model", "at least 1 character"),
    ({"model": 5}, "invalid_type", "model", "valid string"),
    ({"stream": "true"}, "invalid_type", "stream", "valid boolean"),
    ({"stream": 1}, "invalid_type", "stream", "valid boolean"),
    ({"temperature": 2.1}, "invalid_value", "temperature", "less than or equal to 2"),
    ({"temperature": "1"}, "invalid_type", "temperature", "valid number"),
    ({"temperature": True}, "invalid_type", "temperature", "valid number"),
    ({"top_p": -0.1}, "invalid_value", "top_p", "greater than or equal to 0"),
    ({"n": 0}, "invalid_value", "n", "greater than or equal to 1"),
    ({"n": 129}, "invalid_value", "n", "less than or equal to 128"),
    ({"max_tokens": 0}, "invalid_value", "max_tokens", "greater than or equal to 1"),
    ({"max_tokens": 10**30}, "invalid_value", "max_tokens", "less than or equal"),
    ({"seed": 2**63}, "invalid_value", "seed", "less than or equal"),
    ({"stop": ["a"] * 5}, "invalid_value", "stop", "at most 4 items"),
    ({"stop": {"a": 1}}, "invalid_value", "stop", "'text', 'list'"),
    ({"stop": [1]}, "invalid_type", "stop[0]", "valid string"),
    ({"logit_bias": {"1": 101}}, "invalid_value", "logit_bias.1", "less than or equal to 100"),
    ({"top_logprobs": 21}, "invalid_value", "top_logprobs", "less than or equal to 20"),
    ({"response_format": {"type": "xml"}}, "invalid_value", "response_format.type", "'json_schema'"),
    ({"response_format": {}}, "invalid_value", "response_format.type", "it must be one of"),
    (
        {"response_format": {"type": "json_schema"}},
        "missing_required_parameter",
        "response_format.json_schema",
        "Missing",
    ),
    ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].function", "Missing"),
    (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "invalid_value",
        "tools[0].function.name",
        "match",
    ),
    ({"tool_choice": "maybe"}, "invalid_value", "tool_choice", "'none', 'auto' or 'required'"),
    ({"tool_choice": ["auto"]}, "invalid_value", "tool_choice", "'text', 'mapping'"),
    ({"reasoning_effort": "max"}, "invalid_value", "reasoning_effort", "'minimal'"),
    ({"modalities": ["smell"]}, "invalid_value", "modalities[0]", "'text' or 'audio'"),
    ({"metadata": "x"}, "invalid_type", "metadata", "valid dictionary"),
    ({"metadata": ["x"]}, "invalid_type", "metadata", "valid dictionary"),
    ({"metadata": {"a": 1}}, "invalid_type", "metadata.a", "valid string"),
    ({"metadata": {"a": {"b": "c"}}}, "invalid_type", "metadata.a", "valid string"),
    ({"user": "u" * 513}, "invalid_value", "user", "at most 512"),
    ({"stream_options": True}, "invalid_type", "stream_options", "dictionary"),
]


@pytest.mark.parametrize(
    ("changes", "code", "param", "words"), BAD, ids=[f"{row[2]}-{index}" for index, row in enumerate(BAD)]
)
def test_what_is_wrong_is_named(changes: dict[str, Any], code: str, param: str, words: str) -> None:
    error = refused(schema.CHAT, {**CHAT, **changes})
    assert (error.code, error.param) == (code, param)
    assert words in error.message


def test_a_message_repeats_nothing_of_a_value() -> None:
    for name, value in (("model", ["hunter2"]), ("user", {"hunter2": 1}), ("reasoning_effort", "hunter2")):
        assert "hunter2" not in refused(schema.CHAT, {**CHAT, name: value}).message


def test_a_name_of_any_length_makes_no_longer_error() -> None:
    error = refused(schema.CHAT, {**CHAT, "x" * 100_000: 1})
    assert len(error.message) < 300 and error.param is not None and len(error.param) < 300


def test_a_name_in_angle_brackets_is_named_too() -> None:
    assert refused(schema.CHAT, {**CHAT, "<api_base>": 1}).param == "<api_base>"


@pytest.mark.parametrize("given", ["a", ["a", "b"], [1, 2], [[1, 2], [3]]])
def test_every_kind_of_input_is_accepted(given: Any) -> None:
    schema.check(schema.EMBEDDING, {**EMBEDDING, "input": given})


@pytest.mark.parametrize("name", ["encoding_format", "dimensions", "user"])
def test_an_embedding_s_nulls_are_as_good_as_nothing(name: str) -> None:
    schema.check(schema.EMBEDDING, {**EMBEDDING, name: None})


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"input": ""}, "invalid_value", "input"),
        ({"input": []}, "invalid_value", "input"),
        ({"input": [""]}, "invalid_value", "input[0]"),
        ({"input": ["a", 1]}, "invalid_type", "input[1]"),
        ({"input": [1, "a"]}, "invalid_type", "input[1]"),
        ({"input": [-1]}, "invalid_value", "input[0]"),
        ({"input": [[]]}, "invalid_value", "input[0]"),
        ({"input": [True]}, "invalid_type", "input[0]"),
        ({"input": 5}, "invalid_type", "input"),
        ({"input": None}, "invalid_type", "input"),
        ({"input": ["a"] * 2049}, "invalid_value", "input"),
        ({"encoding_format": "hex"}, "invalid_value", "encoding_format"),
        ({"dimensions": 0}, "invalid_value", "dimensions"),
    ],
)
def test_what_is_wrong_with_an_embedding_is_named(changes: dict[str, Any], code: str, param: str) -> None:
    error = refused(schema.EMBEDDING, {**EMBEDDING, **changes})
    assert (error.code, error.param) == (code, param)


@pytest.mark.parametrize(
    "changes",
    [
        {"context": {"lead": {"name": "Ann"}, "anything": [1, {"a": None}]}},
        {
            "context": {
                "conversation_history": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
            }
        },
        {"context": {"conversation_history": None, "conversation_id": None, "lead": None}},
        {"context": None, "ui_capabilities": None, "stream": None},
        {"ui_capabilities": []},
        {"ui_capabilities": ["modals", "toasts"], "stream": True},
    ],
)
def test_a_question_is_accepted(changes: dict[str, Any]) -> None:
    schema.check(schema.QUESTION, {**QUESTION, **changes})


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"query": ""}, "invalid_value", "query"),
        ({"query": " \n"}, "invalid_value", "query"),
        ({"query": None}, "invalid_type", "query"),
        ({"query": "a" * 100_001}, "invalid_value", "query"),
        ({"context": []}, "invalid_type", "context"),
        ({"context": {"lead": "Ann"}}, "invalid_type", "context.lead"),
        ({"context": {"conversation_id": 5}}, "invalid_type", "context.conversation_id"),
        (
            {"context": {"conversation_history": [{"role": "system", "content": "a"}]}},
            "invalid_value",
            "context.conversation_history[0].role",
        ),
        ({"ui_capabilities": "modals"}, "invalid_type", "ui_capabilities"),
        ({"ui_capabilities": [1]}, "invalid_type", "ui_capabilities[0]"),
        ({"stream": "yes"}, "invalid_type", "stream"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(changes: dict[str, Any], code: str, param: str) -> None:
    error = refused(schema.QUESTION, {**QUESTION, **changes})
    assert (error.code, error.param) == (code, param)

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from gateway.http import schema
from gateway.http.schema.chat import ChatBody
from tests.support.parameter_types import literals
from tests.support.schema import refused

HELLO = {"role": "user", "content": "hello"}
CHAT: dict[str, Any] = {"model": "m", "messages": [HELLO]}
WHERE = {"type": "approximate", "approximate": {"city": "Zürich", "country": "CH"}}
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(**changes: Any) -> None:
    schema.check(schema.CHAT, {**CHAT, **changes})


def message(**fields: Any) -> None:
    chat(messages=[HELLO, fields])


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
    "audio": [{"format": "mp3", "voice": "alloy"}, {"format": "wav", "voice": {"id": "voice_1"}}],
    "prompt_cache_options": [{"mode": "explicit", "ttl": "30m"}],
    "prompt_cache_retention": ["24h", "in_memory"],
    "moderation": [{"model": "m", "policy": {"input": {"mode": "block"}}}],
    "web_search_options": [{"search_context_size": "low", "user_location": WHERE}, {}],
    "metadata": [{"a": "b"}, {}],
    "store": [True],
}


OPENAIS = get_type_hints(CompletionCreateParamsStreaming)
WORDS = {name: literals(hint) for name, hint in OPENAIS.items() if name not in ("model", "stream", "stop")}


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(ChatBody)) == set(OPENAIS) == set(GOOD)


@pytest.mark.parametrize("name", sorted(name for name, words in WORDS.items() if words))
def test_it_has_openai_s_words(name: str) -> None:
    for word in WORDS[name]:
        chat(**{name: [word] if name == "modalities" else word})


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
    ({"reasoning_effort": "most"}, "invalid_value", "reasoning_effort", "'minimal'"),
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

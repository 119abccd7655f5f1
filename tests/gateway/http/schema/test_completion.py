from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.completion_create_params import CompletionCreateParamsStreaming

from gateway.http import schema
from gateway.http.schema.completion import COMPLETION, CompletionBody
from tests.support.schema import ATTACKS, refused

COMPLETED: dict[str, Any] = {"model": "m", "prompt": "a"}
#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "model": ["m"],
    "prompt": ["a", "", ["a"], ["a"] * 128],
    "stream": [True],
    "stream_options": [{"include_usage": True, "include_obfuscation": False}],
    "best_of": [1],
    "echo": [True],
    "frequency_penalty": [-2, 2],
    "logit_bias": [{"50256": -100}],
    "logprobs": [0, 5],
    "max_tokens": [1],
    "n": [1, 128],
    "presence_penalty": [-2, 2],
    "seed": [-1],
    "stop": ["a", ["a", "b", "c", "d"]],
    "suffix": ["a"],
    "temperature": [0, 2],
    "top_p": [0, 1],
    "user": ["u"],
}


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(CompletionBody)) == set(get_type_hints(CompletionCreateParamsStreaming)) == set(GOOD)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_openai_s_schema_has_is_accepted(name: str, value: Any) -> None:
    schema.check(COMPLETION, {**COMPLETED, name: value})


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"model", "prompt"}))
def test_a_null_is_as_good_as_nothing(name: str) -> None:
    schema.check(COMPLETION, {**COMPLETED, name: None})


@pytest.mark.parametrize("name", [*ATTACKS, "messages", "tools", "response_format"])
def test_anything_else_is_refused(name: str) -> None:
    error = refused(COMPLETION, {**COMPLETED, name: "x"})
    assert (error.code, error.param) == ("unknown_parameter", name)


@pytest.mark.parametrize("tokens", [[1, 2], [[1], [2]], ["a", 1], [[]]], ids=["tokens", "lists", "mixed", "empty"])
def test_tokens_are_refused_by_the_prompt_s_name(tokens: Any) -> None:
    error = refused(COMPLETION, {**COMPLETED, "prompt": tokens})
    assert error.param == "prompt"
    assert "not tokens" in error.message


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"prompt": None}, "invalid_type", "prompt"),
        ({"prompt": []}, "invalid_value", "prompt"),
        ({"prompt": ["a"] * 129}, "invalid_value", "prompt"),
        ({"prompt": {"a": "b"}}, "invalid_value", "prompt"),
        ({"logprobs": 6}, "invalid_value", "logprobs"),
        ({"logprobs": True}, "invalid_type", "logprobs"),
        ({"max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"n": 0}, "invalid_value", "n"),
        ({"best_of": 21}, "invalid_value", "best_of"),
        ({"stop": ["a"] * 5}, "invalid_value", "stop"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], code: str, param: str) -> None:
    error = refused(COMPLETION, {**COMPLETED, **changes})
    assert (error.code, error.param) == (code, param)

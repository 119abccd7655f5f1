from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.lanes.wire import (
    chat_params,
    check_files,
    check_finished,
    check_media,
    check_shape,
    clean_choice,
    head,
    message_as_delta,
)
from gateway.upstream.failures import Failure, Kind
from tests.support.chat import PNG, file, image
from tests.support.fakes import deployment, make_call

KNOWN = frozenset({"seed", "stop", "temperature"})


def test_the_call_s_parameters_win_over_the_deployment_s_and_nothing_is_not_sent() -> None:
    to = deployment("a", defaults={"temperature": 1, "seed": 2})
    call = make_call(params={"messages": [], "temperature": 0, "stop": None})
    assert chat_params(to, call, KNOWN, drop=False) == {"temperature": 0, "seed": 2}


def test_a_parameter_that_is_not_supported_is_dropped_or_refused() -> None:
    call = make_call(params={"messages": [], "top_k": 1, "seed": 2})
    assert chat_params(deployment("a"), call, KNOWN, drop=True) == {"seed": 2}
    with pytest.raises(Failure, match="a does not support the parameter 'top_k'"):
        chat_params(deployment("a"), call, KNOWN, drop=False)


def test_a_chunk_without_an_id_gets_one_of_its_own() -> None:
    to = deployment("a")
    first, second = head(to, {}), head(to, {"id": None, "created": 0})
    assert first["id"].startswith("chatcmpl-")
    assert first["id"] != second["id"]
    assert head(to, {"id": "x", "created": 7}) == {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "a",
    }


@pytest.mark.parametrize(
    ("choices", "kind"), [([], Kind.EMPTY), ([{}], Kind.CUT), ([{"finish_reason": "stop"}, {}], Kind.CUT)]
)
def test_a_whole_reply_says_why_it_ended(choices: list[dict[str, Any]], kind: Kind) -> None:
    with pytest.raises(Failure) as caught:
        check_finished(choices)
    assert caught.value.kind is kind


def test_a_message_becomes_a_delta_and_stays_as_it_was() -> None:
    choice = {"index": 0, "message": {"content": None, "tool_calls": [{"id": "a"}, {"id": "b"}]}}
    before = json.dumps(choice)
    found = message_as_delta(choice)
    assert found == {
        "index": 0,
        "delta": {"content": None, "tool_calls": [{"index": 0, "id": "a"}, {"index": 1, "id": "b"}]},
    }
    assert json.dumps(choice) == before


def test_litellm_s_own_and_empty_fields_are_left_out() -> None:
    delta = {
        "role": None,
        "content": "",
        "provider_specific_fields": {"a": 1},
        "images": [],
        "audio": None,
        "reasoning_content": None,
        "tool_calls": [{"index": 0, "type": None, "function": {"arguments": "{"}}],
    }
    assert clean_choice({"index": 1, "delta": delta, "finish_reason": None, "enhancements": None}) == {
        "index": 1,
        "delta": {"content": "", "tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
        "logprobs": None,
        "finish_reason": None,
    }


WRONG: list[dict[str, Any]] = [
    {"index": "0"},
    {"index": None},
    {"finish_reason": 3},
    {"delta": ["x"]},
    {"delta": {"content": ["x"]}},
    {"delta": {"refusal": 3}},
    {"delta": {"tool_calls": {"a": 1}}},
    {"delta": {"tool_calls": ["x"]}},
    {"delta": {"tool_calls": [{"function": "x"}]}},
    {"delta": {"tool_calls": [{"index": "x"}]}},
    {"delta": {"tool_calls": [{"function": {"arguments": {}}}]}},
    {"delta": {"function_call": "x"}},
    {"logprobs": "x"},
    {"logprobs": {"content": 3}},
]
GOOD = {"index": 0, "delta": {"content": "a"}, "finish_reason": None, "logprobs": None}


@pytest.mark.parametrize(
    "choice",
    [
        GOOD,
        {},
        {"delta": None},
        {"delta": {"content": None, "tool_calls": None, "refusal": "no"}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}},
        {"logprobs": {"content": [{"token": "a"}], "refusal": None}},
    ],
)
def test_what_a_chunk_may_hold(choice: dict[str, Any]) -> None:
    check_shape({"choices": [choice], "usage": {"total_tokens": 1}})
    check_shape({"choices": [choice, GOOD]})


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": {}},
        {"choices": "x"},
        {"choices": [None]},
        {"choices": [], "usage": [1]},
        *({"choices": [{**GOOD, **wrong}]} for wrong in WRONG),
    ],
)
def test_a_chunk_of_another_shape_is_garbage(chunk: dict[str, Any]) -> None:
    with pytest.raises(Failure) as caught:
        check_shape(chunk)
    assert caught.value.kind is Kind.GARBAGE


def test_data_is_taken_by_every_provider() -> None:
    messages = [image({"url": PNG}), file(file_data="data:application/pdf;base64,AAAA"), {"role": "user"}]
    check_media(messages)
    check_files(messages)


def test_a_file_s_id_is_no_address() -> None:
    check_files([file(file_id="file-1")])
    for address in ("http://x", "https://x", "www.x", "Http://x"):
        with pytest.raises(Failure, match="by id or as data: URLs, not by address"):
            check_files([file(file_id=address, file_data=PNG)])

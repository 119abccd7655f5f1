from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import InvalidRequest
from gateway.http.responses.turns import messages

HELLO = {"role": "user", "content": "hello"}
TEXT = {"type": "input_text", "text": "a"}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"}
FILE = {"type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf", "detail": "high"}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": name, "name": "f", "arguments": "{}", **more}


def output(name: str, given: Any = "rain") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": name, "output": given}


def called(*names: str, content: str | None = None) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": name, "type": "function", "function": function} for name in names]
    return {"role": "assistant", "content": content, "tool_calls": calls}


def result(name: str, content: str = "rain") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": content}


def made(*items: Any) -> list[dict[str, Any]]:
    return messages({"input": list(items)})


def said(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": list(parts)}


def test_a_text_is_a_user_s_message_after_the_instructions() -> None:
    assert messages({"input": "hello"}) == [HELLO]
    assert messages({"input": "hello", "instructions": "Be brief."}) == [
        {"role": "system", "content": "Be brief."},
        HELLO,
    ]


def test_roles_stay_and_one_text_is_a_plain_one() -> None:
    items = [{"role": "developer", "content": [TEXT]}, {"role": "system", "content": "b"}, HELLO]
    assert made(*items) == [{"role": "developer", "content": "a"}, {"role": "system", "content": "b"}, HELLO]


def test_parts_become_a_chat_s() -> None:
    (message,) = made({"role": "user", "content": [TEXT, IMAGE, FILE, {"type": "input_file", "file_id": "file_1"}]})
    assert message["content"] == [
        {"type": "text", "text": "a"},
        SHOWN,
        {"type": "file", "file": {"file_data": FILE["file_data"], "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file_1"}},
    ]


@pytest.mark.parametrize(("detail", "expected"), [("original", "high"), ("auto", "auto"), (None, None)])
def test_an_image_s_detail_is_the_nearest_that_a_chat_has(detail: Any, expected: Any) -> None:
    (message,) = made({"role": "user", "content": [{**IMAGE, "detail": detail}]})
    assert message["content"][0]["image_url"].get("detail") == expected


def test_earlier_answers_are_texts() -> None:
    text, refusal = {"type": "output_text", "text": "Hel"}, {"type": "refusal", "refusal": "No."}
    assert made(said(text, {"type": "output_text", "text": "lo"})) == [{"role": "assistant", "content": "Hello"}]
    assert made(said(refusal)) == [{"role": "assistant", "content": "No."}]
    assert made({"role": "assistant", "content": "Hi"}, HELLO) == [{"role": "assistant", "content": "Hi"}, HELLO]
    assert made(HELLO, said(), HELLO) == [HELLO, HELLO]


def test_calls_of_one_turn_are_one_message() -> None:
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    assert made(HELLO, reasoning, call("c1"), call("c2"), output("c1"), output("c2", "sun")) == [
        HELLO,
        called("c1", "c2"),
        result("c1"),
        result("c2", "sun"),
    ]


def test_calls_of_two_turns_are_two_messages() -> None:
    assert made(call("c1"), output("c1"), call("c2"), output("c2")) == [
        called("c1"),
        result("c1"),
        called("c2"),
        result("c2"),
    ]


def test_nothing_stands_between_calls_and_their_results() -> None:
    text = said({"type": "output_text", "text": "Let me see."})
    expected = [called("c1", content="Let me see."), result("c1")]
    assert made(text, call("c1"), output("c1")) == expected
    assert made(call("c1"), text, output("c1")) == expected
    both = made(text, call("c1"), said({"type": "output_text", "text": "So."}), output("c1"))
    assert both == [called("c1", content="Let me see.\nSo."), result("c1")]


def test_a_thought_s_signature_goes_along_with_its_call() -> None:
    (message,) = made(call("c1", provider_specific_fields={"thought_signature": "x"}))
    assert message["tool_calls"][0]["provider_specific_fields"] == {"thought_signature": "x"}


def test_what_a_function_gave_that_is_no_text_follows_the_results() -> None:
    assert made(call("c1"), call("c2"), output("c1", [IMAGE]), output("c2", [TEXT, TEXT, IMAGE]), HELLO) == [
        called("c1", "c2"),
        result("c1", "See below."),
        result("c2", "a\na"),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What the call c1 gave:"},
                SHOWN,
                {"type": "text", "text": "What the call c2 gave:"},
                SHOWN,
            ],
        },
        HELLO,
    ]
    assert made(call("c1"), output("c1", []))[1] == result("c1", "")
    assert made(call("c1"), output("c1", [IMAGE]))[-1]["role"] == "user"


def test_what_was_asked_is_not_changed() -> None:
    item = said({"type": "output_text", "text": "a"})
    items = [item, call("c1"), said({"type": "output_text", "text": "b"}), output("c1")]
    made(*items)
    assert item == said({"type": "output_text", "text": "a"})


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([HELLO, output("c1")], "input[1].call_id"),
        ([{"role": "user", "content": [TEXT, {"type": "input_image"}]}], "input[0].content[1].image_url"),
        ([{"role": "user", "content": [{"type": "input_file", "filename": "a"}]}], "input[0].content[0].file_data"),
        ([call("c1"), output("c1", [{"type": "input_image"}])], "input[1].output[0].image_url"),
        ([{"role": "system", "content": [IMAGE]}], "input[0].content[0].type"),
    ],
)
def test_what_makes_no_sense_is_named(items: list[Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        made(*items)
    assert caught.value.param == param


def test_a_chat_needs_an_input() -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages({"instructions": "a"})
    assert (caught.value.param, caught.value.code) == ("input", "missing_required_parameter")

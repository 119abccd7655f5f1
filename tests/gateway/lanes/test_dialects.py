from __future__ import annotations

from typing import Any

import pytest

from gateway.lanes.dialects import FINISHES, Calls, mend

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        *[(reason, reason) for reason in sorted(FINISHES, key=str)],
        ("STOP", "stop"),
        ("eos", "stop"),
        ("something_new", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("", None),
        ("abort", None),
        ("insufficient_system_resource", None),
    ],
    ids=str,
)
def test_reasons_in_openai_s_words(reason: str | None, meant: str | None) -> None:
    choice: Json = {"index": 1, "finish_reason": reason}
    mend(choice, {})
    assert choice == {"index": 1, "finish_reason": meant}


def test_a_choice_without_a_number_is_the_first() -> None:
    choice: Json = {}
    mend(choice, {})
    assert choice == {"index": 0}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"content": "a"}, {"content": "a"}),
        ({"reasoning": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": None, "content": "a"}, {"content": "a"}),
        ({"reasoning": "hm", "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        (
            {"tool_calls": [{"function": {"arguments": {"a": [1]}}}]},
            {"tool_calls": [{"function": {"arguments": '{"a":[1]}'}}]},
        ),
        (
            {"tool_calls": [{"function": {"arguments": '{"a":1}'}}]},
            {"tool_calls": [{"function": {"arguments": '{"a":1}'}}]},
        ),
        ({"tool_calls": [{"id": "c"}]}, {"tool_calls": [{"id": "c"}]}),
        ({"tool_calls": None}, {"tool_calls": None}),
    ],
    ids=str,
)
def test_what_is_said_in_openai_s_fields(said: Json, meant: Json) -> None:
    mend({"index": 0, "finish_reason": None}, said)
    assert said == meant


def piece(index: int | None, name: str | None = None, function: str | None = None) -> Json:
    said: Json = {"index": index, "id": name, "function": {"name": function, "arguments": "x"}}
    return {key: value for key, value in said.items() if value is not None}


@pytest.mark.parametrize(
    ("pieces", "numbers"),
    [
        ([piece(0, "a", "f"), piece(0), piece(1, "b", "f"), piece(0), piece(1)], [0, 0, 1, 0, 1]),
        ([piece(0, "a", "f"), piece(0, "a"), piece(0, "")], [0, 0, 0]),
        ([piece(0, "a", "f"), piece(0, "b", "f"), piece(0)], [0, 1, 1]),
        ([piece(None, "a", "f"), piece(None), piece(None, "b", "f"), piece(None)], [0, 0, 1, 1]),
        ([piece(None, None, "f"), piece(None, None, "f")], [0, 1]),
        ([piece(3, "a", "f"), piece(7, "b", "f"), piece(3)], [0, 1, 0]),
    ],
)
def test_each_call_has_a_number_of_its_own_and_tells_its_type_once(pieces: list[Json], numbers: list[int]) -> None:
    calls = Calls()
    for one in pieces:
        calls.number(one)
    assert [one["index"] for one in pieces] == numbers
    typed = [one["index"] for one in pieces if one.get("type") == "function"]
    assert typed == sorted(set(numbers))


def test_a_type_that_is_told_stays() -> None:
    one = piece(0, "a", "f") | {"type": "custom"}
    Calls().number(one)
    assert one["type"] == "custom"

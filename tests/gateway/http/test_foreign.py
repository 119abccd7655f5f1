from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Identity, NotFound, Operation, Unavailable
from gateway.engine import Engine
from gateway.http import foreign
from tests.support.asgi import scope

ANN = Identity("127.0.0.1", "ann")


class Plan:
    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if (name, operation) != ("m", Operation.CHAT):
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def call(**changes: Any) -> Any:
    asked: dict[str, Any] = {"model": "m", "params": {"messages": []}, "stream": True, "thoughts": True, **changes}
    return foreign.chat_call(ENGINE, scope(request_id="req_1"), ANN, **asked)


def test_a_call_has_what_was_asked_for_and_no_nulls() -> None:
    made = call(params={"messages": [], "stop": None, "n": 2}, more=1)
    assert (made.request_id, made.operation, made.model, made.identity) == ("req_1", Operation.CHAT, "m", ANN)
    assert dict(made.params) == {"messages": [], "n": 2}
    assert dict(made.learnt) == {foreign.THOUGHTS: True, "more": 1}
    assert made.stream and made.usage_wanted
    assert not call(stream=False).usage_wanted


def test_only_configured_models_are_found() -> None:
    with pytest.raises(NotFound):
        call(model="claude-9")


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (4096, "low"), (4097, "medium"), (16_384, "medium"), (16_385, "high")]
)
def test_a_budget_of_thoughts_is_an_effort(budget: int, effort: str) -> None:
    assert foreign.effort(budget) == effort


CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, True),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({key: CLOSED[key] for key in ("type", "properties", "required")}, False),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}}, True),
        ({**CLOSED, "properties": {"a": {"anyOf": [{"properties": {"b": {}}}, {"type": "null"}]}}}, False),
        ({**CLOSED, "required": [["a"]]}, False),
        ({**CLOSED, "properties": [{}]}, False),
        ({"type": "array", "items": CLOSED}, False),
    ],
)
def test_a_schema_is_strict_where_openai_can_be(schema: dict[str, Any], strict: bool) -> None:
    made = foreign.schema_format(schema)
    assert made["type"] == "json_schema"
    assert made["json_schema"]["schema"] == schema
    assert made["json_schema"].get("strict", False) is strict


def test_a_text_by_itself_is_no_list() -> None:
    image = foreign.image("data:image/png;base64,AA")
    assert foreign.content([foreign.text("a")]) == "a"
    assert foreign.content([foreign.text("a"), foreign.text("b")]) == [foreign.text("a"), foreign.text("b")]
    assert foreign.content([image]) == [image]


def test_a_long_name_of_a_user_is_always_the_same_short_one() -> None:
    assert foreign.user("ann") == "ann"
    assert foreign.user("x" * 64) == "x" * 64
    long = foreign.user("x" * 65)
    assert long is not None and len(long) == 64 and long != "x" * 64
    assert foreign.user("x" * 65) == long != foreign.user("x" * 66)
    assert foreign.user(None) is foreign.user("") is None


def test_a_call_s_arguments_are_json_text() -> None:
    made = foreign.tool_call("look", "c1", {"a": "é"})
    assert (made["id"], made["type"], made["function"]["name"]) == ("c1", "function", "look")
    assert json.loads(made["function"]["arguments"]) == {"a": "é"}
    assert foreign.arguments(made, cut=False) == {"a": "é"}


@pytest.mark.parametrize("written", [None, ""])
def test_no_arguments_are_an_empty_object(written: str | None) -> None:
    assert foreign.arguments({"function": {"arguments": written}}, cut=False) == {}


@pytest.mark.parametrize("written", ['{"a": ', "[1]", '"text"', "\ud800", "[" * 200 + "]" * 200])
def test_arguments_that_are_no_object_are_never_made_up(written: str) -> None:
    with pytest.raises(Unavailable) as caught:
        foreign.arguments({"function": {"arguments": written}}, cut=False)
    assert caught.value.code == "invalid_tool_call"
    assert foreign.arguments({"function": {"arguments": written}}, cut=True) == {}


def test_counts_are_zero_where_nothing_is_told() -> None:
    assert foreign.Counts.of(None) == foreign.Counts.of({}) == (0, 0, 0, 0, 0)
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_creation_tokens": None},
        "cache_creation_input_tokens": 2,
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert foreign.Counts.of(usage) == (10, 7, 4, 2, 3)


@pytest.mark.parametrize("value", ["7", -1, 1.5, True, {}, []])
def test_counts_that_are_none_are_zero(value: Any) -> None:
    usage = {"prompt_tokens": value, "completion_tokens": value, "prompt_tokens_details": value}
    assert foreign.Counts.of(usage) == (0, 0, 0, 0, 0)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Call, Identity, InvalidRequest, NotFound, Operation
from gateway.engine import Engine
from gateway.http import foreign, schema
from gateway.http.anthropic.request import parse, parse_count
from gateway.http.schema.chat import CHAT
from tests.support.asgi import scope

HI = {"role": "user", "content": "hi"}
ANN = Identity("127.0.0.1", "ann")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK = {"name": "look", "description": "looks", "input_schema": SCHEMA}
BODY: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [HI]}
#: Parameters that OpenAI's body lacks, for the models that know them.
OWN = {"top_k"}


class Plan:
    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if name != "m":
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def call(**changes: Any) -> Call:
    return parse(ENGINE, scope(request_id="r"), {**BODY, **changes}, ANN)


def params(**changes: Any) -> dict[str, Any]:
    """The chat's parameters but for its messages, held against the chat's own schema."""
    made = dict(call(**changes).params)
    schema.check(CHAT, {"model": "m", **{name: made[name] for name in made.keys() - OWN}})
    del made["messages"]
    return made


def test_the_least_that_can_be_asked() -> None:
    assert params() == {"max_tokens": 9}
    made = call()
    assert (made.model, made.stream, made.operation, made.identity) == ("m", False, Operation.CHAT, ANN)
    assert call(stream=True).stream


def test_parameters_go_by_openai_s_names() -> None:
    asked = {"temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop_sequences": ["a"], "metadata": {"user_id": "u"}}
    assert params(**asked) == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop": ["a"],
        "user": "u",
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"stop_sequences": []},
        {"metadata": {}},
        {"metadata": None},
        {"service_tier": "auto"},
        {"tools": []},
        {"tool_choice": {"type": "any"}},
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "adaptive"}},
        {"cache_control": {"type": "ephemeral"}},
        {"diagnostics": {"previous_message_id": None}},
        {"context_management": {"edits": []}},
        {"output_config": {"effort": None, "format": None}},
    ],
)
def test_what_says_nothing_to_a_chat_goes_no_further(asked: dict[str, Any]) -> None:
    assert params(**asked) == {"max_tokens": 9}


def test_standard_service_is_openai_s_default() -> None:
    assert params(service_tier="standard_only")["service_tier"] == "default"


@pytest.mark.parametrize(
    ("asked", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 30_000}}, "high"),
        ({"output_config": {"effort": "max"}}, "high"),
        ({"output_config": {"effort": "low"}, "thinking": {"type": "enabled", "budget_tokens": 30_000}}, "low"),
    ],
)
def test_thinking_is_an_effort(asked: dict[str, Any], effort: str) -> None:
    assert params(**asked)["reasoning_effort"] == effort


@pytest.mark.parametrize(
    ("thinking", "shown"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "adaptive"}, True),
        ({"type": "enabled", "budget_tokens": 1024}, True),
        ({"type": "enabled", "budget_tokens": 1024, "display": "summarized"}, True),
        ({"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, False),
    ],
)
def test_thoughts_are_shown_to_who_asked_for_them(thinking: Any, shown: bool) -> None:
    assert call(thinking=thinking).learnt[foreign.THOUGHTS] is shown


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_a_schema_for_the_answer_is_a_response_format(where: str) -> None:
    form = {"type": "json_schema", "schema": SCHEMA}
    asked = {where: {"format": form} if where == "output_config" else form}
    assert params(**asked)["response_format"] == foreign.schema_format(SCHEMA)


def test_tools_are_functions() -> None:
    strict = {**LOOK, "name": "other", "type": "custom", "strict": True, "cache_control": {"type": "ephemeral"}}
    first, second = params(tools=[LOOK, strict])["tools"]
    assert first == {"type": "function", "function": {"name": "look", "description": "looks", "parameters": SCHEMA}}
    assert (second["function"]["name"], second["function"]["strict"]) == ("other", True)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "look"}, {"tool_choice": {"type": "function", "function": {"name": "look"}}}),
        ({"type": "auto", "disable_parallel_tool_use": False}, {"tool_choice": "auto"}),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            {"tool_choice": "required", "parallel_tool_calls": False},
        ),
    ],
)
def test_which_tool_is_to_be_used(choice: dict[str, Any], expected: dict[str, Any]) -> None:
    made = params(tools=[LOOK], tool_choice=choice)
    assert {name: made[name] for name in made.keys() - {"tools", "max_tokens"}} == expected


def test_a_tool_that_is_not_there_can_t_be_chosen() -> None:
    with pytest.raises(InvalidRequest, match="look") as caught:
        call(tools=[LOOK], tool_choice={"type": "tool", "name": "leap"})
    assert caught.value.param == "tool_choice.name"


@pytest.mark.parametrize("kind", ["web_search_20250305", "bash_20250124", "code_execution_20250825", "x"])
def test_anthropic_s_own_tools_are_refused_in_words(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="this gateway can't run Anthropic's own tools") as caught:
        call(tools=[LOOK, {"type": kind, "name": "web_search", "max_uses": 5}])
    assert caught.value.param == "tools[1].type"


def test_only_configured_models_are_found() -> None:
    with pytest.raises(NotFound):
        call(model="claude-9")
    with pytest.raises(NotFound):
        parse_count(ENGINE, scope(), {"model": "claude-9", "messages": [HI]})


def test_what_is_counted_is_what_would_be_sent() -> None:
    counted = parse_count(ENGINE, scope(), {"model": "m", "messages": [HI], "system": "s", "tools": [LOOK]})
    sent = call(system="s", tools=[LOOK]).params
    assert counted == {name: sent[name] for name in ("messages", "tools")}
    with pytest.raises(InvalidRequest, match="max_tokens"):
        parse_count(ENGINE, scope(), {**BODY})

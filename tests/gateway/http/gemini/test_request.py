from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Call, Identity, InvalidRequest, NotFound, Operation
from gateway.engine import Engine
from gateway.http import foreign, schema
from gateway.http.gemini import request
from gateway.http.schema.chat import CHAT
from tests.support.asgi import scope

HI = {"role": "user", "parts": [{"text": "hi"}]}
ANN = Identity("127.0.0.1", "ann")
GOOGLE = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
LOOK, LEAP = {"name": "look", "description": "looks", "parameters": GOOGLE}, {"name": "leap"}
#: Parameters that OpenAI's body lacks, for the models that know them.
OWN = {"top_k", "safety_settings"}


class Plan:
    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if name != "org/m":
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def at(model: str = "org/m", query: bytes = b"") -> Any:
    return scope(request_id="r", path_params={"model": model}, query_string=query)


def call(**changes: Any) -> Call:
    return request.parse(ENGINE, at(), {"contents": [HI], **changes}, ANN)


def params(**changes: Any) -> dict[str, Any]:
    """The chat's parameters but for its messages, held against the chat's own schema."""
    made = dict(call(**changes).params)
    schema.check(CHAT, {"model": "m", **{name: made[name] for name in made.keys() - OWN}})
    del made["messages"]
    return made


def config(**fields: Any) -> dict[str, Any]:
    return params(generationConfig=fields)


def test_the_least_that_can_be_asked() -> None:
    made = call()
    assert made.params == {"messages": [{"role": "user", "content": "hi"}]}
    assert (made.model, made.stream, made.operation, made.identity) == ("org/m", False, Operation.CHAT, ANN)


@pytest.mark.parametrize(
    ("query", "events"), [(b"alt=sse", True), (b"alt=json", False), (b"", False), (b"x=1&alt=sse", True)]
)
def test_a_stream_is_one_of_events_or_an_array(query: bytes, events: bool) -> None:
    made = request.parse_stream(ENGINE, at(query=query), {"contents": [HI]}, ANN)
    assert made.stream
    assert made.learnt[request.EVENTS] is events


def test_another_format_of_a_stream_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        request.parse_stream(ENGINE, at(query=b"alt=proto"), {"contents": [HI]}, ANN)
    assert caught.value.param == "alt"


def test_parameters_go_by_openai_s_names_from_either_spelling() -> None:
    expected = {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop": ["a"],
        "n": 2,
        "seed": 1,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logprobs": True,
        "top_logprobs": 3,
    }
    camel = {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 5,
        "stopSequences": ["a"],
        "candidateCount": 2,
        "seed": 1,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 3,
    }
    assert config(**camel) == expected
    snake = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in camel.items()}
    assert params(generation_config=snake) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"candidateCount": 1},
        {"stopSequences": []},
        {"responseMimeType": "text/plain"},
        {"responseModalities": ["TEXT"]},
        {"logprobs": 3},
        {"responseLogprobs": False},
        {"thinkingConfig": {}},
        {"thinkingConfig": {"thinkingBudget": -1}},
        {"thinkingConfig": {"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}},
        {"temperature": None},
    ],
)
def test_what_says_nothing_to_a_chat_goes_no_further(fields: dict[str, Any]) -> None:
    assert config(**fields) == {}


@pytest.mark.parametrize(
    ("thinking", "effort", "shown"),
    [
        ({"thinkingBudget": 0}, "none", False),
        ({"thinkingBudget": 1000}, "low", False),
        ({"thinkingBudget": 20_000, "includeThoughts": True}, "high", True),
        ({"thinkingLevel": "low"}, "low", False),
        ({"thinkingLevel": "XHIGH"}, "high", False),
        ({"thinking_level": "MINIMAL", "include_thoughts": False}, "minimal", False),
        ({"includeThoughts": True}, "medium", True),
    ],
)
def test_thinking_is_an_effort(thinking: dict[str, Any], effort: str, shown: bool) -> None:
    made = call(generationConfig={"thinkingConfig": thinking})
    assert made.params["reasoning_effort"] == effort
    assert made.learnt[foreign.THOUGHTS] is shown


def test_safety_settings_go_along_for_the_models_that_know_them() -> None:
    setting = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
    assert params(safetySettings=[setting]) == {"safety_settings": [setting]}
    assert params(safetySettings=[]) == {}


@pytest.mark.parametrize(("tier", "expected"), [("standard", "default"), ("flex", "flex"), ("unspecified", None)])
def test_tiers_have_openai_s_names(tier: str, expected: str | None) -> None:
    assert params(serviceTier=tier).get("service_tier") == expected


def test_a_schema_for_the_answer_is_a_response_format() -> None:
    expected = {"response_format": foreign.schema_format(SCHEMA)}
    assert config(responseMimeType="application/json", responseSchema=GOOGLE) == expected
    assert config(responseJsonSchema=SCHEMA) == expected


def test_json_is_asked_for_in_words_too_where_nobody_has() -> None:
    asked = call(generationConfig={"responseMimeType": "application/json"})
    assert asked.params["response_format"] == {"type": "json_object"}
    assert [one["role"] for one in asked.params["messages"]] == ["system", "user"]
    assert "JSON" in asked.params["messages"][0]["content"]
    said = call(contents=["as Json, please"], generationConfig={"responseMimeType": "application/json"})
    assert [one["role"] for one in said.params["messages"]] == ["user"]


def test_functions_are_tools() -> None:
    (tool, other) = params(tools=[{"functionDeclarations": [LOOK]}, {"function_declarations": [LEAP]}])["tools"]
    assert tool == {"type": "function", "function": {"name": "look", "description": "looks", "parameters": SCHEMA}}
    assert other == {"type": "function", "function": {"name": "leap"}}
    as_json = params(tools={"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]})["tools"][0]
    assert as_json["function"]["parameters"] == SCHEMA
    assert params(tools=[{}]) == {}


@pytest.mark.parametrize(
    ("calling", "choice", "names"),
    [
        ({}, None, ["look", "leap"]),
        ({"mode": "AUTO"}, None, ["look", "leap"]),
        ({"mode": "any"}, "required", ["look", "leap"]),
        ({"mode": "NONE"}, "none", ["look", "leap"]),
        ({"mode": "ANY", "allowedFunctionNames": ["leap"]}, "required", ["leap"]),
    ],
)
def test_which_function_is_to_be_called(calling: Any, choice: str | None, names: list[str]) -> None:
    made = params(tools=[{"functionDeclarations": [LOOK, LEAP]}], toolConfig={"functionCallingConfig": calling})
    assert made.get("tool_choice") == choice
    assert [tool["function"]["name"] for tool in made["tools"]] == names


def test_a_function_that_is_not_there_can_t_be_allowed() -> None:
    calling = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["fly"]}}
    with pytest.raises(InvalidRequest, match="'fly'") as caught:
        call(tools=[{"functionDeclarations": [LOOK]}], toolConfig=calling)
    assert caught.value.param == "toolConfig.functionCallingConfig.allowedFunctionNames"


@pytest.mark.parametrize("name", ["nope", "models/org/m", "org/m ", "x" * 300])
def test_only_configured_models_are_found(name: str) -> None:
    for parse in (request.parse, request.parse_stream):
        with pytest.raises(NotFound) as caught:
            parse(ENGINE, at(name), {"contents": [HI]}, ANN)
        assert len(caught.value.message) < 100
    with pytest.raises(NotFound):
        request.parse_count(ENGINE, at(name), {"contents": [HI]})


def test_what_is_counted_is_what_would_be_sent() -> None:
    whole = {
        "contents": [HI],
        "systemInstruction": "s",
        "tools": [{"functionDeclarations": [LOOK]}],
        "model": "models/x",
    }
    counted = request.parse_count(ENGINE, at(), {"generateContentRequest": whole})
    sent = call(**whole).params
    assert (counted["messages"], counted["tools"]) == (sent["messages"], sent["tools"])
    assert request.parse_count(ENGINE, at(), {"contents": ["hi"]})["messages"] == [{"role": "user", "content": "hi"}]
    for wrong in ({}, {"contents": [HI], "generateContentRequest": whole}):
        with pytest.raises(InvalidRequest):
            request.parse_count(ENGINE, at(), wrong)

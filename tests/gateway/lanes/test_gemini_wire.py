from __future__ import annotations

import json
import socket
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.lanes.gemini_wire import LONGEST_KEPT, GeminiWire
from gateway.lanes.transport import Request
from gateway.settings.load import PROJECT
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from tests.support.chat import CALLED, FORMAT, PNG, RESULT, SCHEMA, TOOL, USER, file, image
from tests.support.configuration import KEYS, Configuration
from tests.support.fakes import deployment, make_call

SYSTEM = {"role": "system", "content": "s"}
HI: dict[str, Any] = {"role": "user", "parts": [{"text": "hi"}]}
USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
COUNTED = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
CALL_PART = {"functionCall": {"name": "look", "args": {"a": "b"}}}


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The shipped configuration's Gemini model, known to LiteLLM as its model_info says."""
    folder: Path = tmp_path_factory.mktemp("shipped")
    return Configuration(folder).plan((PROJECT / "litellm.yaml").read_text()).deployments[0]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail(f"looked up {args[0]}"))


def request(to: Deployment, params: dict[str, Any], *, stream: bool = False, drop: bool = True) -> Request:
    before = deepcopy(params)
    made = GeminiWire(drop_params=drop).request(to, make_call(params=params, stream=stream))
    assert params == before
    return made


def test_the_key_goes_in_a_header_and_not_in_the_address(flash: Deployment) -> None:
    base = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash"
    made = request(flash, {"messages": [USER]})
    assert made.url == f"{base}:generateContent"
    assert made.headers["x-goog-api-key"] == KEYS["GEMINI_API_KEY"]
    streamed = request(flash, {"messages": [USER], "stream_options": {"include_usage": True}}, stream=True, drop=False)
    assert streamed.url == f"{base}:streamGenerateContent?alt=sse"
    assert streamed.body == made.body


@pytest.mark.parametrize(
    ("params", "body"),
    [
        ({"messages": [USER]}, {"contents": [HI]}),
        *(
            ({"messages": [{"role": role, "content": "s"}, USER]},
             {"contents": [HI], "system_instruction": {"parts": [{"text": "s"}]}})
            for role in ("system", "developer")
        ),
        ({"messages": [USER, {"role": "assistant", "content": "x"}, USER]},
         {"contents": [HI, {"role": "model", "parts": [{"text": "x"}]}, HI]}),
        ({"messages": [USER], "temperature": 0, "top_p": 0.5, "max_tokens": 3, "stop": "x", "seed": 1, "n": 2},
         {"contents": [HI], "generationConfig": {"temperature": 0, "top_p": 0.5, "max_output_tokens": 3,
                                                 "stop_sequences": ["x"], "seed": 1, "candidate_count": 2}}),
        ({"messages": [USER], "tools": [TOOL], "tool_choice": "required"},
         {"contents": [HI], "tools": [{"function_declarations": [
             {"name": "look", "description": "looks", "parameters": SCHEMA}]}],
          "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        ({"messages": [USER, CALLED, RESULT]},
         {"contents": [HI, {"role": "model", "parts": [{"function_call": {"name": "look", "args": {"a": "b"}}}]},
                       {"role": "user", "parts": [
                           {"function_response": {"name": "look", "response": {"content": "found"}}}]}]}),
        ({"messages": [USER], "response_format": {"type": "json_object"}},
         {"contents": [HI], "generationConfig": {"response_mime_type": "application/json"}}),
        ({"messages": [image({"url": PNG})]},
         {"contents": [{"role": "user", "parts": [
             {"text": "see"}, {"inline_data": {"data": "iVBORw0KGgo=", "mime_type": "image/png"}}]}]}),
    ],
)  # fmt: skip
def test_a_call_in_gemini_s_words(flash: Deployment, params: dict[str, Any], body: dict[str, Any]) -> None:
    assert json.loads(request(flash, params).body) == body


def test_a_schema_reaches_gemini(flash: Deployment) -> None:
    config = json.loads(request(flash, {"messages": [USER], "response_format": FORMAT}).body)["generationConfig"]
    assert config["response_mime_type"] == "application/json"
    schema = config.get("response_json_schema") or config["response_schema"]
    assert (schema["required"], list(schema["properties"])) == (["a"], ["a"])


@pytest.mark.parametrize(
    "message",
    [
        image({"url": "http://127.0.0.1:9/x.png"}),
        image({"url": "HTTPS://images.example/x.png"}),
        image("https://images.example/x.png"),
        image({"url": "gs://bucket/x.png"}),
        file(file_id="https://images.example/x.pdf"),
        file(file_data="http://images.example/x.pdf"),
        file(file_data="data:application/pdf;base64,AAAA", file_id="http://images.example/x.pdf"),
        {**RESULT, "content": [{"type": "image_url", "image_url": {"url": "http://images.example/x.png"}}]},
    ],
)
def test_an_address_is_refused_and_never_fetched(flash: Deployment, message: dict[str, Any]) -> None:
    with pytest.raises(Failure) as caught:
        request(flash, {"messages": [USER, CALLED, message]})
    assert (caught.value.kind, caught.value.param) == (Kind.UNSUPPORTED, "messages")
    assert caught.value.message == "this model takes images and files as data: URLs only"


def test_a_parameter_that_the_model_lacks_is_dropped_or_refused(flash: Deployment) -> None:
    params = {"messages": [USER], "logit_bias": {"1": 2}}
    assert json.loads(request(flash, params).body) == {"contents": [HI]}
    with pytest.raises(Failure) as caught:
        request(flash, params, drop=False)
    assert (caught.value.kind, caught.value.param) == (Kind.UNSUPPORTED, "logit_bias")


def test_what_litellm_can_t_translate_another_provider_may_take(flash: Deployment) -> None:
    with pytest.raises(Failure) as caught:
        request(flash, {"messages": [{"role": "nobody", "content": "secret words"}]})
    assert caught.value.kind is Kind.UNSUPPORTED
    assert "secret" not in caught.value.message


def candidate(*parts: Any, finish: str | None = "STOP", index: int = 0) -> dict[str, Any]:
    found = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    return {**found, "finishReason": finish} if finish else found


def reply(*candidates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": list(candidates), "usageMetadata": USAGE, "responseId": "r", **more}


def whole(to: Deployment, data: dict[str, Any]) -> dict[str, Any]:
    return GeminiWire(drop_params=True).whole(to, make_call(), deepcopy(data))


def test_a_whole_reply_is_one_chunk_under_the_configured_name(flash: Deployment) -> None:
    found = whole(flash, reply(candidate({"text": "hello"})))
    assert (found["id"], found["object"], found["model"]) == ("r", "chat.completion.chunk", "gemini-2.0-flash")
    delta = {"role": "assistant", "content": "hello"}
    assert found["choices"] == [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop"}]
    assert found["usage"].items() >= COUNTED.items()


def test_two_candidates_are_two_choices(flash: Deployment) -> None:
    found = whole(flash, reply(candidate({"text": "a"}), candidate({"text": "b"}, index=1)))
    assert [(c["index"], c["delta"]["content"]) for c in found["choices"]] == [(0, "a"), (1, "b")]


def test_a_tool_call_gets_its_id_and_type(flash: Deployment) -> None:
    (choice,) = whole(flash, reply(candidate(CALL_PART)))["choices"]
    (call,) = choice["delta"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "look")
    assert json.loads(call["function"]["arguments"]) == {"a": "b"}
    assert call["id"].startswith("call_")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (reply(candidate({"text": "x"}, finish="MAX_TOKENS")), "length"),
        (reply({"index": 0, "finishReason": "SAFETY"}), "content_filter"),
        (reply(candidate({"text": "x"}, finish="RECITATION")), "content_filter"),
        ({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}, "content_filter"),
        (reply({"index": 0, "content": None, "finishReason": "STOP"}), "stop"),
    ],
)
def test_gemini_s_reasons_in_openai_s_words(flash: Deployment, data: dict[str, Any], reason: str) -> None:
    assert [choice["finish_reason"] for choice in whole(flash, data)["choices"]] == [reason]


ERRORS = [
    ({"error": {"code": 429, "message": "m"}}, Kind.RATE_LIMITED),
    ({"error": {"code": 503, "message": "m"}}, Kind.STREAM_ERROR),
    ({"error": "text"}, Kind.STREAM_ERROR),
]


@pytest.mark.parametrize(
    ("data", "kind"),
    [*ERRORS, (reply(), Kind.EMPTY), ({}, Kind.EMPTY), (reply(candidate({"text": "x"}, finish=None)), Kind.CUT)],
)
def test_a_whole_reply_that_is_none(flash: Deployment, data: dict[str, Any], kind: Kind) -> None:
    with pytest.raises(Failure) as caught:
        whole(flash, data)
    assert caught.value.kind is kind


FUNCTIONS = {"messages": [USER], "functions": [{"name": "look"}]}
LOOK = {"functionCall": {"name": "look", "args": {"at": "x"}}}


@pytest.mark.parametrize("how", ["whole", "stream"])
def test_who_asks_with_functions_gets_a_function_s_call(flash: Deployment, how: str) -> None:
    wire, call, data = GeminiWire(drop_params=True), make_call(params=FUNCTIONS), reply(candidate(LOOK))
    chunk = wire.whole(flash, call, data) if how == "whole" else wire.stream(flash, call).read(data)[0]
    [choice] = chunk["choices"]
    assert choice["finish_reason"] == "function_call"
    assert "tool_calls" not in choice["delta"]
    assert choice["delta"]["function_call"]["name"] == "look"
    assert json.loads(choice["delta"]["function_call"]["arguments"]) == {"at": "x"}


@pytest.mark.parametrize("parts", [({"text": "a"},), ({"text": "a"}, {"text": "b"})])
def test_no_count_of_tokens_is_not_none_at_all(flash: Deployment, parts: tuple[dict[str, Any], ...]) -> None:
    assert "usage" not in whole(flash, {"candidates": [candidate(*parts)]})


@pytest.mark.parametrize(("length", "kept"), [(100, 1), (LONGEST_KEPT + 1, 0)])
def test_only_short_response_formats_are_kept(length: int, kept: int) -> None:
    """A caller's megabytes would stay for good."""
    wire = GeminiWire(drop_params=True)
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": "x" * length}}}
    asked = orjson.dumps({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}})
    first, again = (wire._response_format("gemini-2.0-flash", asked) for _ in range(2))
    assert first == again and first["response_mime_type"] == "application/json"
    assert wire._known_format.cache_info().currsize == kept


TALK = [USER, {"role": "assistant", "content": "x"}, USER]
TOLD = [HI, {"role": "model", "parts": [{"text": "x"}]}, HI]


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("gemini-2.0-unknown", {"contents": TOLD, "system_instruction": {"parts": [{"text": "s"}]}}),
        ("gemma-3-27b-it", {"contents": [{"role": "user", "parts": [{"text": "s"}, *HI["parts"]]}, *TOLD[1:]]}),
    ],
)
def test_instructions_to_a_model_that_litellm_s_map_does_not_hold(model: str, body: dict[str, Any]) -> None:
    made = request(deployment("g", provider="gemini", model=model, api_key="k"), {"messages": [SYSTEM, *TALK]})
    assert json.loads(made.body) == body

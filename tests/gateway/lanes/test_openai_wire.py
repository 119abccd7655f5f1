from __future__ import annotations

import json
import socket
from copy import deepcopy
from typing import Any

import litellm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Surface
from gateway.lanes.boot import configure
from gateway.lanes.openai_wire import OpenAIWire
from gateway.lanes.transport import Request
from gateway.upstream.failures import Failure, Kind
from tests.support.chat import CALLED, FORMAT, PNG, RESULT, TOOL, USER, file, image
from tests.support.fakes import PROPERTY, deployment, make_call

MINI = deployment("mini", model="gpt-4o-mini", api_base="http://provider/v1/", api_key="k")
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "logprobs": None, "finish_reason": "stop"}
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 7,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [CHOICE],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "system_fingerprint": "fp",
    "x_foreign": 1,
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(drop_params=True)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail(f"looked up {args[0]}"))


def request(params: dict[str, Any], *, stream: bool = False, drop: bool = True, to: Any = MINI) -> Request:
    before = deepcopy(params)
    made = OpenAIWire(drop_params=drop).request(to, make_call(params=params, stream=stream))
    assert params == before
    return made


def body(params: dict[str, Any], **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request(params, **options).body)
    return found


def test_the_key_goes_in_a_header_to_the_configured_address() -> None:
    made = request({"messages": [USER]})
    assert made.url == "http://provider/v1/chat/completions"
    assert made.headers["Authorization"] == "Bearer k"


def test_without_an_address_it_is_openai_s() -> None:
    made = request({"messages": [USER]}, to=deployment("mini", model="gpt-4o-mini", api_key="k"))
    assert made.url == "https://api.openai.com/v1/chat/completions"


@pytest.mark.parametrize(
    "params",
    [
        {"messages": [USER]},
        {"messages": [{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}, USER]},
        {"messages": [USER], "temperature": 0, "top_p": 0.5, "max_tokens": 3, "stop": ["x"], "seed": 1, "n": 2},
        {"messages": [USER], "logit_bias": {"1": 2}, "user": "u", "frequency_penalty": 1, "presence_penalty": 1},
        {"messages": [USER], "tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
        {"messages": [USER], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look"}}},
        {"messages": [USER, CALLED, RESULT], "tools": [TOOL]},
        {"messages": [USER], "response_format": {"type": "json_object"}},
        {"messages": [USER], "response_format": FORMAT},
        {"messages": [image({"url": PNG, "detail": "low"})]},
        {"messages": [image({"url": "https://images.example/x.png"})]},
        {"messages": [file(file_id="file-1")]},
        {"messages": [file(file_data="data:application/pdf;base64,AAAA", filename="a.pdf")]},
    ],
)
def test_what_openai_understands_is_sent_as_it_is(params: dict[str, Any]) -> None:
    assert body(params) == {"model": "gpt-4o-mini", **params}


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream_options": {"include_usage": False}}, {"stream": True, "stream_options": {"include_usage": True}}),
    ],
)
def test_a_stream_always_asks_for_usage(params: dict[str, Any], sent: dict[str, Any]) -> None:
    assert body({"messages": [USER], **params}, stream=True) == {"model": "gpt-4o-mini", "messages": [USER], **sent}
    assert "stream_options" not in body({"messages": [USER], **params})


def test_a_deployment_s_defaults_give_way_to_the_call() -> None:
    to = deployment("mini", model="gpt-4o-mini", api_key="k", defaults={"temperature": 1, "seed": 3})
    sent = body({"messages": [USER], "temperature": 0}, to=to)
    assert (sent["temperature"], sent["seed"]) == (0, 3)


def test_a_parameter_that_the_model_lacks_is_dropped_or_refused() -> None:
    params = {"messages": [USER], "reasoning_effort": "low"}
    assert "reasoning_effort" not in body(params)
    with pytest.raises(Failure) as caught:
        body(params, drop=False)
    assert (caught.value.kind, caught.value.param, caught.value.code) == (
        Kind.UNSUPPORTED,
        "reasoning_effort",
        "unsupported_parameter",
    )
    assert caught.value.message == "mini does not support the parameter 'reasoning_effort'"


def test_a_reasoning_model_gets_its_own_name_for_the_limit() -> None:
    sent = body({"messages": [USER], "max_tokens": 3}, to=deployment("o", model="o3-mini", api_key="k"))
    assert (sent.get("max_completion_tokens"), sent.get("max_tokens")) == (3, None)


def test_what_litellm_changes_it_changes_in_a_copy() -> None:
    to = deployment("mini", model="gpt-4o-mini", api_key="k")
    tool = {**TOOL, "cache_control": {"type": "ephemeral"}}
    sent = body({"messages": [image(PNG)], "tools": [tool]}, to=to)
    assert sent["messages"][0]["content"][1]["image_url"] == {"url": PNG}
    assert sent["tools"] == [TOOL]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.pdf", "HTTPS://internal/x.pdf", "www.internal/x.pdf"])
def test_a_file_by_address_is_refused_and_never_fetched(address: str) -> None:
    with pytest.raises(Failure) as caught:
        request({"messages": [file(file_id=address)]})
    assert (caught.value.kind, caught.value.param) == (Kind.UNSUPPORTED, "messages")


def test_what_litellm_can_t_translate_another_provider_may_take() -> None:
    with pytest.raises(Failure) as caught:
        request({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})
    assert caught.value.kind is Kind.UNSUPPORTED


@pytest.mark.parametrize(
    ("surface", "params", "taken"),
    [
        (Surface.IVY, {"response_format": FORMAT}, False),
        (Surface.IVY, {}, True),
        (Surface.V1, {"response_format": FORMAT}, True),
    ],
)
def test_the_demonstration_model_fills_in_no_modals(surface: Surface, params: dict[str, Any], taken: bool) -> None:
    wire = OpenAIWire(drop_params=True, text_only=True)
    call = make_call(surface=surface, params={"messages": [USER], **params})
    if taken:
        assert wire.request(MINI, call)
        return
    with pytest.raises(Failure) as caught:
        wire.request(MINI, call)
    assert caught.value.kind is Kind.UNSUPPORTED


def whole(data: dict[str, Any]) -> dict[str, Any]:
    return OpenAIWire(drop_params=True).whole(MINI, make_call(), deepcopy(data))


def test_a_whole_reply_is_one_chunk_under_the_configured_name() -> None:
    assert whole(REPLY) == {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "mini",
        "system_fingerprint": "fp",
        "usage": REPLY["usage"],
        "choices": [
            {"index": 0, "delta": CHOICE["message"], "logprobs": None, "finish_reason": "stop"},
        ],
    }


def test_a_whole_reply_s_tool_calls_get_their_place() -> None:
    choice = {"index": 0, "message": CALLED, "finish_reason": "tool_calls"}
    (found,) = whole({"choices": [choice]})["choices"]
    assert found["delta"]["tool_calls"][0]["index"] == 0
    assert found["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"choices": []}, Kind.EMPTY),
        ({}, Kind.EMPTY),
        ({"choices": [{**CHOICE, "finish_reason": None}]}, Kind.CUT),
        ({"choices": [CHOICE, {"index": 1, "message": {}}]}, Kind.CUT),
        ({"error": {"message": "m", "code": 429}}, Kind.RATE_LIMITED),
        ({"error": {"message": "m", "code": "x"}}, Kind.STREAM_ERROR),
        ({"error": {"message": "m", "code": 500}, "choices": [CHOICE]}, Kind.STREAM_ERROR),
    ],
)
def test_a_whole_reply_that_is_none(data: dict[str, Any], kind: Kind) -> None:
    with pytest.raises(Failure) as caught:
        whole(data)
    assert caught.value.kind is kind


def test_another_server_is_sent_what_openai_refuses_and_no_role_that_it_does_not_know() -> None:
    messages = [
        {"role": "developer", "content": "d", "name": "n"},
        USER,
        {"role": "assistant", "content": None, "reasoning_content": "hm", "refusal": None, "audio": None},
    ]
    said = {"role": "assistant", "content": None}
    theirs = deployment("mine", model="qwen3-8b", api_base="http://provider/v1", api_key="k")
    assert body({"messages": messages}, to=theirs)["messages"] == [
        {"role": "system", "content": "d", "name": "n"},
        USER,
        said | {"reasoning_content": "hm"},
    ]
    assert body({"messages": messages})["messages"] == [messages[0], USER, said]


def test_a_whole_reply_in_a_server_s_own_words() -> None:
    message = {"content": "hello", "reasoning": "hm"}
    made = whole({**REPLY, "choices": [{"message": message, "finish_reason": "max_tokens"}]})
    delta = {"content": "hello", "reasoning_content": "hm"}
    assert made["choices"] == [{"index": 0, "delta": delta, "finish_reason": "length"}]
    with pytest.raises(Failure) as caught:
        whole({**REPLY, "choices": [{"message": {"content": "hel"}, "finish_reason": "abort"}]})
    assert caught.value.kind is Kind.CUT


ROLES = st.sampled_from(["system", "developer", "user", "assistant"])
PLAIN = st.fixed_dictionaries({"role": ROLES, "content": st.text(max_size=9)})


@PROPERTY
@given(st.lists(PLAIN, min_size=1, max_size=6), st.sampled_from(["gpt-4o-mini", "o1-mini", "gpt-5-mini", "llama"]))
def test_a_conversation_of_texts_is_what_litellm_makes_of_it(messages: list[dict[str, Any]], model: str) -> None:
    """Which is shown the first of each role only."""
    sent = json.loads(
        OpenAIWire(drop_params=True)
        .request(deployment("m", model=model, api_key="k"), make_call(params={"messages": messages}))
        .body
    )["messages"]
    provider = litellm.types.utils.LlmProviders.OPENAI
    config = litellm.utils.ProviderConfigManager.get_provider_chat_config(model=model, provider=provider)
    assert config is not None
    known = model in litellm.open_ai_chat_completion_models
    asked = [{**one, "role": "system"} if one["role"] == "developer" and not known else one for one in messages]
    assert (
        sent == config.transform_request(model, deepcopy(asked), {}, {"custom_llm_provider": "openai"}, {})["messages"]
    )

"""/v1 through the running gateway, as OpenAI's own client uses it, on both wires and in both lanes."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.double.client import Double
from tests.support.gateway import GatewayProcess
from tests.support.sse import events

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
MODELS = ("gemini-2.0-flash", "gpt-4o-mini")
PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(32)).decode()


@pytest.fixture
def client(gateway: GatewayProcess, provider: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_plain(client: openai.OpenAI, model: str) -> None:
    reply = client.chat.completions.create(model=model, messages=HELLO, temperature=0.2, max_tokens=50)
    assert reply.object == "chat.completion"
    assert reply.model == model
    assert reply.choices[0].finish_reason == "stop"
    assert "hello" in (reply.choices[0].message.content or "")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_streamed_with_usage(client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.create(
        model=model, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {model}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "hello" in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []


@pytest.mark.parametrize("model", MODELS)
def test_streamed_without_usage_shows_none(gateway: GatewayProcess, provider: Double, model: str) -> None:
    with gateway.client() as client:
        reply = client.post("/v1/chat/completions", json={"model": model, "messages": HELLO, "stream": True})
    found = events(reply.text)
    assert found[-1].data == "[DONE]"
    assert not any("usage" in event.json for event in found[:-1])
    assert all(event.json["choices"] for event in found[:-1])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_tool_and_its_second_turn(client: openai.OpenAI, model: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "use the tool"}]
    if stream:
        with client.chat.completions.stream(model=model, messages=messages, tools=[TOOL]) as events_:
            message: Any = events_.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(model=model, messages=messages, tools=[TOOL]).choices[0].message
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}
    messages += [
        message.to_dict() | {"role": "assistant"},
        {"role": "tool", "tool_call_id": call.id, "content": "rain"},
    ]
    messages[1].pop("parsed", None)
    for each in messages[1]["tool_calls"]:
        each["function"].pop("parsed_arguments", None)
    second = client.chat.completions.create(model=model, messages=messages, tools=[TOOL])
    assert "rain" in (second.choices[0].message.content or "")


@pytest.mark.parametrize("model", MODELS)
def test_structured_output(client: openai.OpenAI, model: str) -> None:
    schema: Any = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    reply = client.chat.completions.create(
        model=model,
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
    )
    assert isinstance(json.loads(reply.choices[0].message.content or "")["n"], int)


@pytest.mark.parametrize("model", MODELS)
def test_an_image_as_a_part(client: openai.OpenAI, provider: Double, model: str) -> None:
    parts: Any = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    assert PIXEL.partition(",")[2] in json.dumps(provider.calls()[0]["body"])


def test_an_address_of_an_image_is_never_fetched_here(client: openai.OpenAI, provider: Double, double: Double) -> None:
    url = f"http://127.0.0.1:{double.port}/picture.png"
    parts: Any = [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    reply = client.chat.completions.with_raw_response.create(
        model="default", messages=[{"role": "user", "content": parts}]
    )
    assert reply.headers["x-ivy-model"] == "gpt-4o-mini"
    assert reply.headers["x-ivy-fallback-reason"] == "not_supported"
    assert [call["provider"] for call in provider.calls()] == ["openai"]


def test_embeddings(client: openai.OpenAI, provider: Double) -> None:
    texts = ["one", "two"]
    floats = client.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
    assert [item.index for item in floats.data] == [0, 1]
    assert floats.model == "text-embedding-3-small"
    decoded = client.embeddings.create(model="text-embedding-3-small", input=texts)  # base64 is the client's default
    assert decoded.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
    raw = client.embeddings.with_raw_response.create(
        model="text-embedding-3-small", input="one", encoding_format="base64", dimensions=4
    )
    packed = base64.b64decode(raw.http_response.json()["data"][0]["embedding"])
    assert len(struct.unpack("<4f", packed)) == 4
    assert raw.headers["x-ivy-model"] == "text-embedding-3-small"


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["default", "gemini-2.0-flash", "gpt-4o-mini", "text-embedding-3-small"]
    assert client.models.retrieve("gpt-4o-mini").owned_by == "openai"
    with pytest.raises(openai.NotFoundError, match="gemini-2.0-flash"):
        client.models.retrieve("gpt-9")


def test_errors_are_of_the_classes_that_openais_client_expects(client: openai.OpenAI, provider: Double) -> None:
    with pytest.raises(openai.NotFoundError, match=r"default, gemini-2\.0-flash"):
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    with pytest.raises(openai.NotFoundError, match="can't do chat"):
        client.chat.completions.create(model="text-embedding-3-small", messages=HELLO)
    with pytest.raises(openai.BadRequestError, match="temperature") as bad:
        client.chat.completions.create(model="default", messages=HELLO, temperature=9)
    assert bad.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as unknown:
        client.chat.completions.create(model="default", messages=HELLO, extra_body={"api_base": "http://127.0.0.1:9"})
    assert unknown.value.code == "unknown_parameter"
    assert unknown.value.param == "api_base"
    assert provider.calls() == []
    provider.script("any", {"kind": "status", "status": 429, "retry_after": 9}, then="repeat")
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="default", messages=HELLO)
    assert int(limited.value.response.headers["retry-after"]) <= 9
    provider.script("any", {"kind": "context_too_long"}, then="repeat")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="default", messages=HELLO)
    provider.script("any", {"kind": "status", "status": 500}, then="repeat")
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="default", messages=HELLO)


def test_a_broken_stream_is_an_error_for_openais_client(
    client: openai.OpenAI, gateway: GatewayProcess, provider: Double
) -> None:
    provider.script("any", {"kind": "error_event", "after_chunks": 3}, then="repeat")
    with (
        client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True) as stream,
        pytest.raises(openai.APIError, match="broke off"),
    ):
        list(stream)


def test_a_safety_block_is_passed_on_and_not_routed_around(client: openai.OpenAI, provider: Double) -> None:
    provider.script("gemini", {"kind": "safety", "where": "answer"}, then="repeat")
    reply = client.chat.completions.create(model="default", messages=HELLO)
    assert reply.choices[0].finish_reason == "content_filter"
    assert [call["provider"] for call in provider.calls()] == ["gemini"]


def test_the_providers_see_no_header_of_the_callers(gateway: GatewayProcess, provider: Double) -> None:
    body = {"model": "default", "messages": HELLO, "metadata": {"a": "b"}, "store": True}
    headers = {"X-Evil": "1", "Authorization": "Bearer caller-key", "X-User-ID": "anna"}
    assert httpx.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers).status_code == 200
    (call,) = provider.calls()
    sent = json.dumps([call["headers"], call["body"]]).lower()
    for foreign in ("x-evil", "caller-key", "anna", "metadata", '"store"'):
        assert foreign not in sent

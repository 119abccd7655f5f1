"""Anthropic's /v1/messages through the running gateway, on both wires and in both lanes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess
from tests.support.sse import events

MODELS = ("gemini-2.0-flash", "gpt-4o-mini")
HELLO = {"role": "user", "content": "hello"}
BOTH = {"role": "user", "content": "use both tools"}


def tool(name: str, argument: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    return {"name": name, "description": "d", "input_schema": schema}


TOOLS = [tool("get_weather", "city"), tool("get_time", "zone")]


def post(gateway: GatewayProcess, path: str = "/v1/messages", **body: Any) -> httpx.Response:
    with gateway.client(**{"anthropic-version": "2023-06-01", "anthropic-beta": "some-beta-2025-01-01"}) as client:
        return client.post(path, json=body)


def ask(gateway: GatewayProcess, model: str = "default", **body: Any) -> httpx.Response:
    return post(gateway, **{"model": model, "max_tokens": 50, "messages": [HELLO], **body})


def put_together(reply: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The blocks of a stream, as a client puts them together, and its message_delta."""
    found = events(reply.text)
    assert all(event.name == event.json["type"] for event in found)
    assert (found[0].name, found[-1].name) == ("message_start", "message_stop")
    blocks: list[dict[str, Any]] = []
    texts: list[str] = []
    for event in found[1:-2]:
        data = event.json
        assert data["index"] == len(blocks) - (event.name != "content_block_start")
        if event.name == "content_block_start":
            blocks.append(dict(data["content_block"]))
            texts.append("")
        elif event.name == "content_block_delta":
            texts[-1] += data["delta"].get("text") or data["delta"].get("partial_json") or ""
    said = [
        {"text": text} if block["type"] == "text" else {"input": json.loads(text or "{}")}
        for block, text in zip(blocks, texts, strict=True)
    ]
    return [block | more for block, more in zip(blocks, said, strict=True)], found[-2].json


@pytest.mark.parametrize("model", MODELS)
def test_plain(gateway: GatewayProcess, provider: Double, model: str) -> None:
    reply = ask(gateway, model, system="be nice", temperature=0.5, stop_sequences=["zzz"])
    body = reply.json()
    assert reply.status_code == 200
    assert body.pop("id").startswith("msg_")
    (block,) = body.pop("content")
    assert block["type"] == "text"
    assert block["text"].endswith('you said "hello"')
    usage = body.pop("usage")
    assert usage["input_tokens"] == 3  # "be nice hello": the double counts words
    assert usage["output_tokens"] == 7
    assert usage["cache_read_input_tokens"] == usage["cache_creation_input_tokens"] == 0
    assert body == {
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }
    assert reply.headers["x-ivy-model"] == model


@pytest.mark.parametrize("model", MODELS)
def test_streamed(gateway: GatewayProcess, provider: Double, model: str) -> None:
    reply = ask(gateway, model, stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    start = events(reply.text)[0].json["message"]
    assert (start["type"], start["role"], start["model"], start["content"]) == ("message", "assistant", model, [])
    blocks, delta = put_together(reply)
    plain = ask(gateway, model).json()
    assert blocks == plain["content"]
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert delta["usage"] == plain["usage"]


@pytest.mark.parametrize("model", MODELS)
def test_the_limit_of_tokens_is_told(gateway: GatewayProcess, provider: Double, model: str) -> None:
    assert ask(gateway, model, max_tokens=2).json()["stop_reason"] == "max_tokens"
    assert put_together(ask(gateway, model, max_tokens=2, stream=True))[1]["delta"]["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_two_tools_at_once_and_the_second_turn(
    gateway: GatewayProcess, provider: Double, model: str, stream: bool
) -> None:
    reply = ask(gateway, model, messages=[BOTH], tools=TOOLS, stream=stream)
    if stream:
        content, delta = put_together(reply)
        reason = delta["delta"]["stop_reason"]
    else:
        content, reason = reply.json()["content"], reply.json()["stop_reason"]
    assert reason == "tool_use"
    assert [(block["type"], block["name"]) for block in content] == [
        ("tool_use", "get_weather"),
        ("tool_use", "get_time"),
    ]
    assert [set(block["input"]) for block in content] == [{"city"}, {"zone"}]
    assert len({block["id"] for block in content}) == 2
    results = [{"type": "tool_result", "tool_use_id": block["id"], "content": "rain"} for block in content]
    turns = [BOTH, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
    second = ask(gateway, model, messages=turns, tools=TOOLS)
    assert 'the tool said "rain"' in second.json()["content"][0]["text"]


@pytest.mark.parametrize("model", MODELS)
def test_one_tool_only_where_the_caller_says_so(gateway: GatewayProcess, provider: Double, model: str) -> None:
    choice = {"type": "tool", "name": "get_time"}
    (block,) = ask(gateway, model, tools=TOOLS, tool_choice=choice).json()["content"]
    assert block["name"] == "get_time"
    assert (
        ask(gateway, model, messages=[BOTH], tools=TOOLS, tool_choice={"type": "none"}).json()["stop_reason"]
        == "end_turn"
    )


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_by_a_schema(gateway: GatewayProcess, provider: Double, model: str) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    reply = ask(gateway, model, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert isinstance(json.loads(reply.json()["content"][0]["text"])["n"], int)


def test_an_image_and_a_document_reach_the_model(gateway: GatewayProcess, provider: Double) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
    for model in MODELS:
        content = [image, pdf, {"type": "text", "text": "see"}]
        assert ask(gateway, model, messages=[{"role": "user", "content": content}]).status_code == 200
    for call in provider.calls():
        assert "iVBORw0KGgo=" in json.dumps(call["body"]) and "JVBERi0=" in json.dumps(call["body"])


def test_an_address_of_an_image_is_never_fetched_here(gateway: GatewayProcess, provider: Double) -> None:
    url = f"http://127.0.0.1:{provider.port}/picture.png"
    content = [{"type": "image", "source": {"type": "url", "url": url}}, {"type": "text", "text": "see"}]
    reply = ask(gateway, messages=[{"role": "user", "content": content}])
    assert reply.headers["x-ivy-model"] == "gpt-4o-mini"
    assert [call["provider"] for call in provider.calls()] == ["openai"]


def test_what_a_provider_sees(gateway: GatewayProcess, provider: Double) -> None:
    asked: dict[str, Any] = {
        "top_k": 5,
        "metadata": {"user_id": "u" * 100},
        "cache_control": {"type": "ephemeral"},
        "system": [{"type": "text", "text": "be nice", "cache_control": {"type": "ephemeral"}}],
    }
    for model in MODELS:
        assert ask(gateway, model, **asked).status_code == 200
    gemini, openai = (call["body"] for call in provider.calls())
    config = gemini.get("generationConfig", {})
    assert config.get("top_k", config.get("topK")) == 5
    assert "top_k" not in openai
    assert len(openai["user"]) == 64
    for sent in (gemini, openai):
        assert "cache_control" not in json.dumps(sent)
        assert "metadata" not in sent


def test_tokens_are_counted_without_a_provider(gateway: GatewayProcess, provider: Double) -> None:
    one = post(gateway, "/v1/messages/count_tokens", model="default", messages=[HELLO])
    more = post(gateway, "/v1/messages/count_tokens", model="default", messages=[HELLO, HELLO], tools=TOOLS)
    assert set(one.json()) == {"input_tokens"}
    assert 1 < one.json()["input_tokens"] < 12 < more.json()["input_tokens"] < 200
    assert post(gateway, "/v1/messages/count_tokens", model="claude-9", messages=[HELLO]).status_code == 404
    assert provider.calls() == []


def refusal(reply: httpx.Response) -> tuple[int, str, str, str | None]:
    body = reply.json()
    assert body["type"] == "error"
    assert set(body["error"]) == {"type", "message", "param", "code"}
    return reply.status_code, body["error"]["type"], body["error"]["code"], body["error"]["param"]


def test_errors_are_in_anthropic_s_words(gateway: GatewayProcess, provider: Double) -> None:
    unknown = ask(gateway, "claude-sonnet-4-5")
    assert refusal(unknown) == (404, "not_found_error", "model_not_found", "model")
    assert "default, gemini-2.0-flash" in unknown.json()["error"]["message"]
    assert refusal(ask(gateway, api_base="x")) == (400, "invalid_request_error", "unknown_parameter", "api_base")
    web = {"type": "web_search_20250305", "name": "web_search"}
    assert refusal(ask(gateway, tools=[web])) == (400, "invalid_request_error", "invalid_value", "tools[0].type")
    assert refusal(post(gateway, "/v1/messages/batches"))[:2] == (404, "not_found_error")
    with gateway.client() as client:
        assert refusal(client.get("/v1/messages"))[:2] == (405, "invalid_request_error")
        broken = client.post("/v1/messages", content=b"{", headers={"Content-Type": "application/json"})
        assert refusal(broken) == (400, "invalid_request_error", "invalid_json", None)
        large = client.post("/v1/messages", json={"model": "x" * 30_000_000})
        assert refusal(large)[:2] == (413, "request_too_large")
    assert provider.calls() == []


def test_what_providers_say_is_in_anthropic_s_words(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("any", {"kind": "status", "status": 429, "retry_after": 9}, then="repeat")
    limited = ask(gateway)
    assert refusal(limited)[:2] == (429, "rate_limit_error")
    assert int(limited.headers["retry-after"]) <= 9
    provider.script("any", {"kind": "status", "status": 500}, then="repeat")
    assert refusal(ask(gateway, stream=True))[:2] == (503, "overloaded_error")
    provider.script("any", {"kind": "context_too_long"}, then="repeat")
    assert refusal(ask(gateway))[:2] == (400, "invalid_request_error")


def test_a_broken_stream_ends_with_an_error(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("any", {"kind": "error_event", "after_chunks": 3}, then="repeat")
    found = events(ask(gateway, "gpt-4o-mini", stream=True).text)
    assert found[-1].name == "error"
    assert (found[-1].json["type"], found[-1].json["error"]["type"]) == ("error", "overloaded_error")
    assert "message_stop" not in [event.name for event in found]


def test_a_stream_that_breaks_once_is_continued(lean: GatewayProcess, provider: Double) -> None:
    say = {"role": "user", "content": "[[canon]]"}
    provider.script("gemini", {"kind": "cut", "after_chunks": 10})
    blocks, delta = put_together(ask(lean, messages=[say], stream=True, max_tokens=200))
    plain = ask(lean, "gpt-4o-mini", messages=[say], max_tokens=200).json()
    assert blocks == plain["content"]
    assert delta["delta"]["stop_reason"] == "end_turn"


def test_a_safety_block_is_a_refusal(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "safety", "where": "answer"}, then="repeat")
    assert ask(gateway).json()["stop_reason"] == "refusal"


def test_the_key_is_taken_in_anthropic_s_header(start: Start, provider: Double) -> None:
    gateway = start(env={"GATEWAY_MASTER_KEY": "k" * 32})
    body = {"model": "default", "max_tokens": 9, "messages": [HELLO]}
    with gateway.client() as client:
        for headers in ({"x-api-key": "k" * 32}, {"Authorization": "Bearer " + "k" * 32}):
            assert client.post("/v1/messages", json=body, headers=headers).status_code == 200
        for wrong in ({}, {"x-api-key": "wrong"}):
            assert refusal(client.post("/v1/messages", json=body, headers=wrong))[:2] == (401, "authentication_error")

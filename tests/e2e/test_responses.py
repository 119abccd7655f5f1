"""/v1/responses through the running gateway, as OpenAI's own client uses it, on both wires and in both lanes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from tests.double.client import Double
from tests.support.gateway import GatewayProcess, models
from tests.support.sse import Event, events

MODELS = ("gemini-2.0-flash", "gpt-4o-mini")
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def tool(name: str) -> Any:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "name": name, "description": "d", "parameters": schema, "strict": False}


WEATHER, NEWS = tool("get_weather"), tool("get_news")


class Number(BaseModel):
    n: int


@pytest.fixture
def client(gateway: GatewayProcess, provider: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def without_openai(start_shared: Any, double: Double) -> GatewayProcess:
    file = models(double.gemini_base, double.openai_base)
    file["model_list"] = [one for one in file["model_list"] if one["model_name"].startswith("gemini")]
    started: GatewayProcess = start_shared({}, models={"model_list": file["model_list"]})
    return started


def streamed(gateway: GatewayProcess, **body: Any) -> list[Event]:
    with gateway.client() as client:
        reply = client.post("/v1/responses", json={"model": "gpt-4o-mini", "input": "hello", **body, "stream": True})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = events(reply.text)
    assert [event.json["sequence_number"] for event in found] == list(range(len(found)))
    assert [event.name for event in found] == [event.json["type"] for event in found]
    return found


@pytest.mark.parametrize("model", MODELS)
def test_plain(client: openai.OpenAI, provider: Double, model: str) -> None:
    raw = client.responses.with_raw_response.create(
        model=model, input="hello", instructions="Be brief.", max_output_tokens=50, metadata={"a": "b"}
    )
    assert raw.headers["x-ivy-model"] == model
    Response.model_validate(raw.http_response.json(), strict=True)
    reply = raw.parse()
    assert reply.id.startswith("resp_")
    assert (reply.object, reply.status, reply.model) == ("response", "completed", model)
    assert "hello" in reply.output_text
    assert [item.type for item in reply.output] == ["message"]
    assert (reply.instructions, reply.max_output_tokens, reply.metadata) == ("Be brief.", 50, {"a": "b"})
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens > 0
    assert "Be brief." in json.dumps(provider.calls()[0]["body"])


@pytest.mark.parametrize("model", MODELS)
def test_streamed(client: openai.OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="[[words:5]]") as stream:
        seen = list(stream)
        final = stream.get_final_response()
    assert "".join(e.delta for e in seen if e.type == "response.output_text.delta") == "w1 w2 w3 w4 w5"
    assert (final.output_text, final.status, final.model) == ("w1 w2 w3 w4 w5", "completed", model)
    assert final.usage is not None
    assert final.usage.output_tokens == 5
    assert [event.type for event in seen][:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert [event.type for event in seen][-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_tools_and_their_second_turn(client: openai.OpenAI, provider: Double, model: str, stream: bool) -> None:
    asked: list[Any] = [{"role": "user", "content": "use both tools"}]
    if stream:
        with client.responses.stream(model=model, input=asked, tools=[WEATHER, NEWS]) as events_:
            reply: Any = events_.get_final_response()
    else:
        reply = client.responses.create(model=model, input=asked, tools=[WEATHER, NEWS])
    calls = [item for item in reply.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "get_news"]
    assert all(set(json.loads(call.arguments)) == {"city"} for call in calls)
    asked += reply.output
    asked += [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"} for call in calls]
    second = client.responses.create(model=model, input=asked, tools=[WEATHER, NEWS])
    assert "rain" in second.output_text
    sent = provider.calls()[-1]["body"]
    assert len(sent.get("messages") or sent["contents"]) in (3, 4)  # one answer with both calls, then their results


@pytest.mark.parametrize("model", MODELS)
def test_structured_output(client: openai.OpenAI, model: str) -> None:
    reply = client.responses.parse(model=model, input="hello", text_format=Number)
    assert isinstance(reply.output_parsed, Number)
    again: list[Any] = [{"role": "user", "content": "hello"}, *reply.output, {"role": "user", "content": "again"}]
    assert "again" in client.responses.create(model=model, input=again).output_text


def test_parallel_calls_are_told_apart_in_the_stream(gateway: GatewayProcess, provider: Double) -> None:
    found = streamed(gateway, input="use both tools", tools=[WEATHER, NEWS])
    arguments: dict[str, str] = {}
    for event in found:
        if event.name == "response.function_call_arguments.delta":
            arguments[event.json["item_id"]] = arguments.get(event.json["item_id"], "") + event.json["delta"]
    final = found[-1].json["response"]
    assert arguments == {item["id"]: item["arguments"] for item in final["output"]}
    assert len({item["call_id"] for item in final["output"]}) == 2


def test_an_image_and_a_tool_choice(client: openai.OpenAI, provider: Double) -> None:
    content: Any = [
        {"type": "input_text", "text": "what is it?"},
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
    ]
    reply = client.responses.create(
        model="gpt-4o-mini",
        input=[{"role": "user", "content": content}],
        tools=[WEATHER, NEWS],
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_news"}]},
    )
    assert [item.type for item in reply.output] == ["function_call"]
    body = provider.calls()[0]["body"]
    assert body["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_news"]
    assert body["tool_choice"] == "required"


def test_a_length_that_is_reached(client: openai.OpenAI, gateway: GatewayProcess) -> None:
    reply = client.responses.create(model="gpt-4o-mini", input="[[words:9]]", max_output_tokens=3)
    assert (reply.status, reply.output_text) == ("incomplete", "w1 w2 w3")
    assert reply.incomplete_details is not None
    assert reply.incomplete_details.reason == "max_output_tokens"
    last = streamed(gateway, input="[[words:9]]", max_output_tokens=3)[-1]
    assert last.name == "response.incomplete"
    assert last.json["response"]["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_refusal_by_the_provider_s_policy(client: openai.OpenAI, provider: Double, stream: bool) -> None:
    provider.script("gemini", {"kind": "safety", "where": "answer"}, then="repeat")
    if stream:
        *_, last = client.responses.create(model="default", input="hello", stream=True)
        assert last.type == "response.incomplete"
        reply = last.response
    else:
        reply = client.responses.create(model="default", input="hello")
    assert reply.status == "incomplete"
    assert reply.incomplete_details is not None
    assert reply.incomplete_details.reason == "content_filter"


def test_log_probabilities(client: openai.OpenAI) -> None:
    reply = client.responses.create(
        model="gpt-4o-mini", input="[[say:one two]]", include=["message.output_text.logprobs"], top_logprobs=1
    )
    (message,) = reply.output
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    assert [token.token for token in part.logprobs or ()] == ["one", " two"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"store": True}, "store"),
        ({"tools": [WEATHER, {"type": "web_search"}]}, "tools[1]"),
    ],
)
def test_what_only_openai_keeps_is_named_where_no_model_has_it(
    without_openai: GatewayProcess, provider: Double, changes: dict[str, Any], field: str
) -> None:
    with (
        openai.OpenAI(base_url=f"{without_openai.url}/v1", api_key="unused", max_retries=0) as client,
        pytest.raises(openai.BadRequestError, match="OpenAI itself") as refused,
    ):
        client.responses.create(model="gemini-2.0-flash", input="hello", **changes)
    assert (refused.value.param, refused.value.code) == (field, "unsupported_parameter")
    assert provider.calls() == []


def test_errors_are_of_the_classes_that_openais_client_expects(client: openai.OpenAI, provider: Double) -> None:
    with pytest.raises(openai.NotFoundError, match=r"default, gemini-2\.0-flash"):
        client.responses.create(model="gpt-9", input="hello")
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        client.responses.create(model="gpt-9", input="hello", store=True)
    with pytest.raises(openai.BadRequestError) as unknown:
        client.responses.create(model="default", input="hello", extra_body={"api_base": "http://127.0.0.1:9"})
    assert (unknown.value.code, unknown.value.param) == ("unknown_parameter", "api_base")
    with pytest.raises(openai.BadRequestError) as missing:
        client.responses.create(model="default")
    assert missing.value.param == "input"
    provider.script("openai", {"kind": "context_too_long"}, then="repeat")
    with pytest.raises(openai.BadRequestError) as too_long:
        client.responses.create(model="gpt-4o-mini", input="hello")
    assert (too_long.value.code, too_long.value.param) == ("context_length_exceeded", "input")
    provider.script("any", {"kind": "status", "status": 500}, then="repeat")
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="default", input="hello", stream=True)


def test_a_broken_stream_fails_and_is_an_error_for_openais_client(
    client: openai.OpenAI, gateway: GatewayProcess, provider: Double
) -> None:
    provider.script("any", {"kind": "error_event", "after_chunks": 3}, then="repeat")
    seen = []
    with (
        client.responses.create(model="gpt-4o-mini", input="[[words:9]]", stream=True) as stream,
        pytest.raises(openai.APIError, match="broke off"),
    ):
        seen += [event.type for event in stream]
    failed, error = streamed(gateway, input="[[words:9]]")[-2:]
    assert failed.name == "response.failed"
    assert failed.json["response"]["status"] == "failed"
    assert failed.json["response"]["error"]["code"] == "server_error"
    assert failed.json["response"]["output"][0]["status"] == "incomplete"
    assert (error.name, error.json["code"], error.json["error"]["code"]) == ("error", "stream_broken", "stream_broken")


def test_a_broken_stream_is_continued(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("openai", {"kind": "cut", "after_chunks": 20})
    found = streamed(gateway, input="[[canon]]", model="gpt-4o-mini")
    final = found[-1].json["response"]
    assert final["status"] == "completed"
    text = final["output"][0]["content"][0]["text"]
    assert "".join(e.json["delta"] for e in found if e.name == "response.output_text.delta") == text
    assert len(provider.calls()) > 1


def test_a_caller_who_leaves_ends_the_provider_s_call(client: openai.OpenAI, provider: Double) -> None:
    provider.settings(chunk_interval_ms=100)
    with client.responses.stream(model="gpt-4o-mini", input="[[words:40]]") as stream:
        next(event for event in stream if event.type == "response.output_text.delta")
    (call,) = provider.wait_calls(1, 5)
    assert call["outcome"] == "aborted"
    assert call["chunks_sent"] < 40

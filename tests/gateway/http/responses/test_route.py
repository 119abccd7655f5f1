from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.contract import (
    Call,
    Chunk,
    Forbidden,
    Identity,
    InvalidRequest,
    NotFound,
    Operation,
    Surface,
    Unavailable,
    UpstreamRejected,
)
from gateway.engine import Engine
from gateway.http import responses
from gateway.pipeline import Pipeline
from gateway.settings.keys import Key
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import FakeUpstream, piece
from tests.support.sse import Event, events

ANN = Identity("127.0.0.1", "ann")
SCOPE = scope(path="/v1/responses", request_id="req_1")
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
STEPS = [piece("", role="assistant"), piece("Hel"), piece("lo", "stop"), Chunk({"choices": [], "usage": USAGE})]


class Plan:
    """Two models, of which one is OpenAI's own."""

    names = ("gemini", "gpt")

    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if name not in (*self.names, "default") or (operation is Operation.RESPONSES and name != "gpt"):
            raise NotFound(f"no {name}", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def parse(**changes: Any) -> Call:
    return responses.parse(ENGINE, SCOPE, {"model": "gpt", "input": "hello", **changes}, ANN)


async def rendered(call: Call, *steps: Chunk | Exception) -> Sent:
    sent = Sent()
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await responses.render(call, answer, dict, sent)
    return sent


async def streamed(call: Call, *steps: Chunk | Exception) -> list[Event]:
    found = events((await rendered(call, *steps)).body.decode())
    assert [event.json["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        assert EVENT.validate_python(event.json, strict=True).type == event.name
    return found


def test_what_a_chat_has_words_for_is_a_chat() -> None:
    call = parse(temperature=0, store=False)
    assert (call.operation, call.surface, call.model, call.stream) == (Operation.CHAT, Surface.V1, "gpt", False)
    assert call.params == {"messages": [{"role": "user", "content": "hello"}], "temperature": 0}
    assert (call.identity, call.request_id) == (ANN, "req_1")
    assert parse(stream=True).usage_wanted


def test_what_only_openai_can_carry_goes_as_it_came() -> None:
    call = parse(previous_response_id="resp_1", stream=True, temperature=None)
    assert (call.operation, call.stream) == (Operation.RESPONSES, True)
    assert call.params == {"input": "hello", "previous_response_id": "resp_1"}


@pytest.mark.parametrize(("model", "operation"), [("gpt", Operation.RESPONSES), ("gemini", Operation.CHAT)])
def test_sealed_reasoning_is_asked_of_whoever_has_it(model: str, operation: Operation) -> None:
    assert parse(model=model, include=["reasoning.encrypted_content"]).operation is operation


@pytest.mark.parametrize("model", ["gemini", "default"])
def test_where_no_model_can_the_field_is_named(model: str) -> None:
    with pytest.raises(InvalidRequest, match="'tools\\[0\\]' needs OpenAI itself.*no ") as caught:
        parse(model=model, tools=[{"type": "web_search"}])
    assert (caught.value.param, caught.value.code) == ("tools[0]", "unsupported_parameter")


@pytest.mark.parametrize("changes", [{}, {"store": True}])
def test_an_unknown_model_is_not_found(changes: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        parse(model="nope", **changes)


async def test_a_plain_answer_is_a_response() -> None:
    body = (await rendered(parse(metadata={"a": "b"}), *STEPS)).json
    made = Response.model_validate(body, strict=True)
    assert (made.output_text, made.status, made.model, made.metadata) == ("Hello", "completed", "m1", {"a": "b"})
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens) == (3, 4)


@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_a_stream_ends_with_what_a_plain_answer_is(finish: str) -> None:
    steps = [piece("a", reasoning_content="hm"), piece("b", finish), Chunk({"choices": [], "usage": USAGE})]
    found = await streamed(parse(stream=True), *steps)
    assert [event.name for event in found[:2]] == ["response.created", "response.in_progress"]
    assert (found[0].json["response"]["output"], found[0].json["response"]["usage"]) == ([], None)
    final = found[-1].json["response"]
    assert found[-1].name == f"response.{final['status']}"
    plain = (await rendered(parse(), *steps)).json

    def alike(body: dict[str, Any]) -> dict[str, Any]:
        items = [{**item, "id": ""} for item in body["output"]]
        return {**body, "id": "", "created_at": 0, "completed_at": 0, "output": items}

    assert alike(final) == alike(plain)


async def test_a_whole_answer_in_one_chunk_begins_empty_too() -> None:
    whole = Chunk({**piece("Hello", "stop").data, "usage": USAGE, "model": "m2"})
    found = await streamed(parse(stream=True), whole)
    first, last = found[0].json["response"], found[-1].json["response"]
    assert (first["output"], first["usage"], first["model"]) == ([], None, "m2")
    assert last["usage"]["total_tokens"] == 7


async def test_a_stream_that_breaks_fails_and_says_so_as_an_error() -> None:
    sent = Sent()
    upstream = FakeUpstream(piece("a"), Unavailable("broke off", code="stream_broken"))
    call = parse(stream=True)
    with pytest.raises(Unavailable):
        async with Pipeline((), upstream, Lines()).run(call) as answer:
            await responses.render(call, answer, dict, sent)
    *_, failed, error = events(sent.body.decode())
    assert failed.json["response"]["output"][0]["status"] == "incomplete"
    assert error.json["sequence_number"] == failed.json["sequence_number"] + 1
    assert (error.name, error.json["type"], error.json["message"]) == ("error", "error", "broke off")
    assert error.json["error"]["code"] == "stream_broken"


async def test_an_error_before_the_first_event_is_raised() -> None:
    with pytest.raises(Unavailable):
        await rendered(parse(stream=True), Unavailable("down"))


async def test_openai_s_own_response_is_passed_on() -> None:
    body = {"id": "resp_1", "object": "response", "anything": [1]}
    assert (await rendered(parse(store=True), Chunk({"body": body}))).json == body


async def test_openai_s_own_events_are_passed_on() -> None:
    own = [{"type": "response.created", "sequence_number": 4}, {"type": "response.queued", "sequence_number": 5}]
    call, sent = parse(store=True, stream=True), Sent()
    upstream = FakeUpstream(*(Chunk({"event": event}) for event in own), Unavailable("broke off"))
    with pytest.raises(Unavailable):
        async with Pipeline((), upstream, Lines()).run(call) as answer:
            await responses.render(call, answer, dict, sent)
    *passed, error = events(sent.body.decode())
    assert [(event.name, event.json) for event in passed] == [(event["type"], event) for event in own]
    assert (error.name, error.json["sequence_number"]) == ("error", 6)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_found_in_the_chat_is_told_by_the_caller_s_field(stream: bool) -> None:
    error = UpstreamRejected("too many", status=400, param="max_completion_tokens")
    with pytest.raises(UpstreamRejected) as caught:
        await rendered(parse(stream=stream), error)
    assert caught.value.param == "max_output_tokens"


def parse_with(key: Key, **changes: Any) -> Call:
    asking = {**SCOPE, "key": key}
    return responses.parse(ENGINE, asking, {"model": "gpt", "input": "hello", **changes}, ANN)


def test_a_key_s_limits_are_not_gone_around() -> None:
    some = Key(name="some", hash=f"sha256:{'0' * 64}", models=("gpt",))
    counted = Key(name="counted", hash=f"sha256:{'0' * 64}", tokens_per_minute=10)
    tools = [{"type": "web_search"}, {"type": "image_generation", "model": "gpt-image-1"}]
    with pytest.raises(Forbidden) as caught:
        parse_with(some, tools=tools)
    assert caught.value.param == "tools[1].model"
    with pytest.raises(Forbidden) as caught:
        parse_with(counted, background=True)
    assert caught.value.param == "background"
    assert parse_with(counted, tools=tools).operation is Operation.RESPONSES
    assert parse_with(some, background=True).operation is Operation.RESPONSES


async def test_a_number_that_is_none_does_not_break_the_stream() -> None:
    call = parse(previous_response_id="r", stream=True)
    event = {"type": "response.output_text.delta", "sequence_number": None}
    sent = await rendered(call, Chunk({"event": event}), Chunk({"event": {**event, "sequence_number": 1}}))
    assert sent.ended

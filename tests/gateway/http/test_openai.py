from __future__ import annotations

import base64
import json
import struct
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from gateway.contract import Call, Chunk, GatewayError, Identity, InvalidRequest, NotFound, Operation, Surface
from gateway.engine import Engine
from gateway.http import openai
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import FakeUpstream, deployment, make_call, piece
from tests.support.sse import events

ANN = Identity("127.0.0.1", "ann")
SCOPE = scope(request_id="req_1")
HELLO = {"role": "user", "content": "hello"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
HEADERS = {"X-Ivy-Model": "m"}


class Plan:
    local = None
    primary = "gemini-2.0-flash"
    names = ("gemini-2.0-flash", "org/model")
    deployments = (
        deployment("gemini-2.0-flash", provider="gemini"),
        deployment("org/model", provider="openai"),
    )

    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if name not in ("default", *self.names):
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan(), started=1_700_000_000))


def parse(**changes: Any) -> Call:
    return openai.parse_chat(ENGINE, SCOPE, {"model": "default", "messages": [HELLO], **changes}, ANN)


def test_what_openai_s_client_adds_to_parsed_replies_goes_no_further() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c", "type": "function", "function": {**function, "parsed_arguments": {}}}
    told = {"role": "assistant", "content": None, "parsed": {"a": 1}, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "c", "content": "x"}
    sent = parse(messages=[HELLO, told, result]).params["messages"]
    assert sent[1] == {"role": "assistant", "content": None, "tool_calls": [{**call, "function": function}]}
    assert (sent[0], sent[2]) == (HELLO, result)
    assert "parsed_arguments" in call["function"]
    assert parse(messages=[HELLO, {"role": "assistant", "content": "a", "parsed": None}]).params["messages"][1] == {
        "role": "assistant",
        "content": "a",
    }


def test_a_chat_becomes_a_call() -> None:
    expected = Call(
        request_id="req_1",
        surface=Surface.V1,
        operation=Operation.CHAT,
        model="default",
        params={"messages": [HELLO], "temperature": 0},
        identity=ANN,
    )
    assert parse(temperature=0) == expected


@pytest.mark.parametrize(
    ("changes", "stream", "usage"),
    [
        ({}, False, False),
        ({"stream": None}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": None}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
    ],
)
def test_a_stream_and_its_usage_are_asked_for(changes: dict[str, Any], stream: bool, usage: bool) -> None:
    call = parse(**changes)
    assert (call.stream, call.usage_wanted) == (stream, usage)
    assert set(call.params) == {"messages"}


def test_what_means_nothing_to_a_model_goes_no_further() -> None:
    call = parse(metadata={"a": "b"}, store=True, temperature=None, stop=None, user="u")
    assert call.params == {"messages": [HELLO], "user": "u"}


def test_what_is_not_openai_s_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="api_base"):
        parse(api_base="http://evil")


@pytest.mark.parametrize("name", ["nope", "default ", "DEFAULT", "gemini/gemini-2.0-flash"])
def test_only_configured_models_are_found(name: str) -> None:
    with pytest.raises(NotFound):
        parse(model=name)
    with pytest.raises(NotFound):
        openai.parse_embedding(ENGINE, SCOPE, {"model": name, "input": "a"}, ANN)


def test_an_embedding_is_always_asked_for_in_floats() -> None:
    body = {"model": "default", "input": ["a"], "encoding_format": "base64", "dimensions": 2, "user": None}
    call = openai.parse_embedding(ENGINE, SCOPE, body, ANN)
    assert call.params == {"input": ["a"], "dimensions": 2, "encoding_format": "float"}
    assert (call.operation, call.learnt["encoding_format"]) == (Operation.EMBEDDING, "base64")


async def rendered(render: Any, call: Call, *steps: Chunk | Exception) -> Sent:
    sent = Sent()
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await render(call, answer, HEADERS.copy, sent)
    return sent


async def test_a_plain_answer_is_a_completion() -> None:
    steps = [piece("Hel", role="assistant"), piece("lo", "stop"), Chunk({"choices": [], "usage": USAGE})]
    sent = await rendered(openai.render_chat, make_call(), *steps)
    assert sent.json["object"] == "chat.completion"
    assert sent.json["choices"][0]["message"] == {"role": "assistant", "content": "Hello"}
    assert (sent.json["usage"], sent.headers["x-ivy-model"]) == (USAGE, "m")


STEPS = [
    piece("Hel"),
    Chunk({"choices": []}, {"actions": ["a policy's note"]}),
    Chunk({"choices": [{"index": 0, "delta": {"content": "lo"}}], "usage": None}),
    piece(finish="stop"),
    Chunk({"choices": [], "usage": USAGE}),
]


async def streamed(*, usage: bool) -> list[dict[str, Any]]:
    sent = await rendered(openai.render_chat, make_call(stream=True, usage_wanted=usage), *STEPS)
    found = events(sent.body.decode())
    assert found[-1].data == "[DONE]"
    assert all(event.name is None for event in found)
    return [event.json for event in found[:-1]]


async def test_a_stream_has_no_usage_unless_it_is_asked_for() -> None:
    chunks = await streamed(usage=False)
    assert [c["choices"][0]["delta"].get("content") for c in chunks] == ["Hel", "lo", None]
    assert not any("usage" in chunk for chunk in chunks)


async def test_usage_that_is_asked_for_is_in_the_last_chunk_and_null_before() -> None:
    chunks = await streamed(usage=True)
    assert [chunk["usage"] for chunk in chunks] == [None, None, None, USAGE]
    assert chunks[-1]["choices"] == []


async def test_a_stream_that_breaks_has_no_done() -> None:
    sent = Sent()
    upstream = FakeUpstream(piece("a"), NotFound("broke off"))
    with pytest.raises(GatewayError):
        async with Pipeline((), upstream, Lines()).run(make_call(stream=True)) as answer:
            await openai.render_chat(answer.call, answer, HEADERS.copy, sent)
    assert b"[DONE]" not in sent.body
    assert events(sent.body.decode())[-1].name == "error"


NUMBERS = [0.5, -1.0, 0.25]


async def embedding(encoding: str, numbers: Any = NUMBERS) -> Any:
    data = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": numbers}], "model": "m"}
    call = make_call(operation=Operation.EMBEDDING, learnt={"encoding_format": encoding})
    sent = await rendered(openai.render_embedding, call, Chunk(data))
    assert sent.json["object"] == "list"
    return sent.json["data"][0]["embedding"]


async def test_embeddings_come_as_floats_or_as_openai_s_base64() -> None:
    assert await embedding("float") == NUMBERS
    encoded = base64.b64decode(await embedding("base64"))
    assert list(struct.unpack("<3f", encoded)) == NUMBERS


async def test_a_provider_s_own_base64_is_left_alone() -> None:
    assert await embedding("base64", "AAAAPw==") == "AAAAPw=="


MODELS = openai.Models(lambda: ENGINE)


async def test_the_models_are_those_that_callers_may_name() -> None:
    body = json.loads(bytes((await MODELS.list(Request(SCOPE))).body))
    assert body["object"] == "list"
    assert [(m["id"], m["owned_by"]) for m in body["data"]] == [
        ("default", "gemini"),
        ("gemini-2.0-flash", "gemini"),
        ("org/model", "openai"),
    ]
    assert {(m["object"], m["created"]) for m in body["data"]} == {("model", 1_700_000_000)}


async def one(name: str) -> Any:
    request = Request({**SCOPE, "path_params": {"name": name}})
    return json.loads(bytes((await MODELS.one(request)).body))


@pytest.mark.parametrize("name", ["default", "gemini-2.0-flash", "org/model"])
async def test_one_model_is_shown(name: str) -> None:
    assert (await one(name))["id"] == name


async def test_a_model_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(NotFound, match=r"default, gemini-2\.0-flash, org/model") as caught:
        await one("gpt-9")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from openai.types import Completion

from gateway.contract import (
    Call,
    Chunk,
    Identity,
    InvalidRequest,
    NotFound,
    Operation,
    Surface,
    Unavailable,
    UpstreamRejected,
)
from gateway.engine import Engine
from gateway.http import completions
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import FakeUpstream, piece
from tests.support.sse import events

ANN = Identity("127.0.0.1", "ann")
SCOPE = scope(path="/v1/completions", request_id="req_1")
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


class Plan:
    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if (name, operation) != ("default", Operation.CHAT):
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def parse(**changes: Any) -> Call:
    return completions.parse(ENGINE, SCOPE, {"model": "default", "prompt": "Say", **changes}, ANN)


def token(text: str, logprob: float, **others: float) -> dict[str, Any]:
    return {
        "token": text,
        "logprob": logprob,
        "bytes": None,
        "top_logprobs": [{"token": name, "logprob": value} for name, value in others.items()],
    }


def saying(text: str, *tokens: dict[str, Any], index: int = 0, finish: str | None = None) -> Chunk:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return Chunk({"choices": [{**choice, "logprobs": {"content": list(tokens), "refusal": None}}], "model": "m1"})


async def rendered(call: Call, *steps: Chunk | Exception) -> Sent:
    sent = Sent()
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await completions.render(call, answer, dict, sent)
    return sent


def test_a_prompt_is_a_user_s_message() -> None:
    call = parse(max_tokens=5, temperature=0, stop=None, user="u", seed=1)
    assert call.params == {
        "messages": [{"role": "user", "content": "Say"}],
        "max_tokens": 5,
        "temperature": 0,
        "user": "u",
        "seed": 1,
    }
    assert (call.surface, call.operation, call.model, call.stream) == (Surface.V1, Operation.CHAT, "default", False)
    assert (call.identity, call.request_id) == (ANN, "req_1")


def test_several_prompts_ask_together_for_all_their_answers() -> None:
    call = parse(prompt=["a", "b"], n=3)
    assert [message["content"] for message in call.params["messages"]] == ["a", "b"]
    assert call.params["n"] == 6
    assert call.learnt == {"prompts": ("a", "b"), "n": 3, "echo": False}


@pytest.mark.parametrize(("asked", "params"), [(0, {"logprobs": True}), (3, {"logprobs": True, "top_logprobs": 3})])
def test_log_probabilities_are_asked_for_as_a_chat_does(asked: int, params: dict[str, Any]) -> None:
    call = parse(logprobs=asked)
    assert {key: call.params[key] for key in call.params if key != "messages"} == params


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"suffix": "z"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"n": 2, "best_of": 1}, "best_of"),
        ({"echo": True, "logprobs": 0}, "logprobs"),
        ({"prompt": ["a"] * 65, "n": 2}, "n"),
    ],
)
def test_what_a_chat_has_no_words_for_is_refused(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(**changes)
    assert caught.value.param == param


@pytest.mark.parametrize("changes", [{"suffix": ""}, {"best_of": 1}, {"n": 2, "best_of": 2}, {"echo": True}])
def test_what_changes_nothing_is_taken(changes: dict[str, Any]) -> None:
    assert parse(**changes).params["messages"]


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(NotFound):
        parse(model="nope")


async def test_a_plain_answer_is_a_completion() -> None:
    call = parse()
    steps = [piece("Hel", role="assistant"), piece("lo", "length"), Chunk({"choices": [], "usage": USAGE})]
    sent = await rendered(call, *steps)
    Completion.model_validate(sent.json, strict=True)
    assert sent.json["choices"] == [{"text": "Hello", "index": 0, "logprobs": None, "finish_reason": "length"}]
    assert (sent.json["object"], sent.json["model"], sent.json["usage"]) == ("text_completion", "m1", USAGE)


@pytest.mark.parametrize(
    "said", [{"content": None}, {"refusal": None, "role": "assistant"}, {"reasoning_content": "x"}]
)
async def test_a_text_is_never_null(said: dict[str, Any]) -> None:
    chunk = Chunk({"choices": [{"index": 0, "delta": said, "finish_reason": "stop"}]})
    assert (await rendered(parse(), chunk)).json["choices"][0]["text"] == ""
    streamed = events((await rendered(parse(stream=True), chunk)).body.decode())
    assert streamed[0].json["choices"][0]["text"] == ""


async def test_a_refusal_is_the_text() -> None:
    assert (await rendered(parse(), piece(refusal="No.", finish="stop"))).json["choices"][0]["text"] == "No."


async def test_the_prompt_is_repeated_once_for_each_choice() -> None:
    call = parse(prompt=["A", "B"], n=2, echo=True)
    chunks = [piece("x", index=i) for i in range(4)] + [piece("y", "stop", index=i) for i in range(4)]
    sent = await rendered(call, *chunks)
    assert [choice["text"] for choice in sent.json["choices"]] == ["Axy", "Axy", "Bxy", "Bxy"]
    texts = dict.fromkeys(range(4), "")
    for event in events((await rendered(parse(**ECHOED), *chunks)).body.decode())[:-1]:
        for choice in event.json["choices"]:
            texts[choice["index"]] += choice["text"]
    assert list(texts.values()) == ["Axy", "Axy", "Bxy", "Bxy"]


ECHOED = {"prompt": ["A", "B"], "n": 2, "echo": True, "stream": True}
TOLD = [
    saying("Hé", token("H", -1.0, H=-1.0, J=-2.0), token("é", -0.5, e=-0.1)),
    saying("llo", token("llo", -0.25), finish="stop"),
]


async def test_log_probabilities_are_in_the_older_shape() -> None:
    (choice,) = (await rendered(parse(logprobs=2), *TOLD)).json["choices"]
    assert choice["logprobs"] == {
        "tokens": ["H", "é", "llo"],
        "token_logprobs": [-1.0, -0.5, -0.25],
        "top_logprobs": [{"H": -1.0, "J": -2.0}, {"e": -0.1, "é": -0.5}, {"llo": -0.25}],
        "text_offset": [0, 1, 2],
    }


async def test_without_alternatives_there_are_none() -> None:
    (choice,) = (await rendered(parse(logprobs=0), *TOLD)).json["choices"]
    assert choice["logprobs"]["top_logprobs"] is None


async def test_offsets_go_on_through_a_stream() -> None:
    sent = await rendered(parse(logprobs=1, stream=True), *TOLD)
    told = [event.json["choices"][0]["logprobs"]["text_offset"] for event in events(sent.body.decode())[:-1]]
    assert told == [[0, 1], [2]]


async def test_a_stream_says_something_with_each_chunk_and_usage_last() -> None:
    call = parse(stream=True, stream_options={"include_usage": True})
    steps = [piece("", role="assistant"), piece("a"), piece(finish="stop"), Chunk({"choices": [], "usage": USAGE})]
    found = events((await rendered(call, *steps)).body.decode())
    assert found[-1].data == "[DONE]"
    chunks = [event.json for event in found[:-1]]
    assert [[c["text"] for c in chunk["choices"]] for chunk in chunks] == [["a"], [""], []]
    assert [chunk["usage"] for chunk in chunks] == [None, None, USAGE]
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_usage_that_came_with_the_last_words_is_told_after_them() -> None:
    whole = Chunk({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}], "usage": USAGE})
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    found = events((await rendered(parse(**asked), whole)).body.decode())
    assert [event.json["usage"] for event in found[:-1]] == [None, USAGE]
    silent = events((await rendered(parse(stream=True), whole)).body.decode())
    assert all("usage" not in event.json for event in silent[:-1])
    assert len(silent) == 2


async def test_a_stream_that_breaks_has_no_done() -> None:
    call, sent = parse(stream=True), Sent()
    with pytest.raises(Unavailable):
        async with Pipeline((), FakeUpstream(piece("a"), Unavailable("broke off")), Lines()).run(call) as answer:
            await completions.render(call, answer, dict, sent)
    assert b"[DONE]" not in sent.body
    assert events(sent.body.decode())[-1].name == "error"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_found_in_the_messages_is_one_of_the_prompt(stream: bool) -> None:
    with pytest.raises(UpstreamRejected) as caught:
        await rendered(parse(stream=stream), UpstreamRejected("too long", status=400, param="messages"))
    assert caught.value.param == "prompt"

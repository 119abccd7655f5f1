from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.contract import Call, Chunk, GatewayError, Unavailable
from gateway.http import foreign
from gateway.http.gemini import reply
from gateway.http.gemini.request import EVENTS
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent
from tests.support.fakes import FakeUpstream, make_call, piece
from tests.support.sse import events

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 7,
    "total_tokens": 17,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
COUNTED = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 2,
    "totalTokenCount": 17,
    "cachedContentTokenCount": 4,
    "thoughtsTokenCount": 5,
}
NOTHING = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
HEAD = {"id": "chatcmpl-1", "model": "m1"}
SHOWN = {"modelVersion": "m1", "responseId": "1"}


def headed(chunk: Chunk) -> Chunk:
    return Chunk({**HEAD, **chunk.data})


def called(arguments: str, index: int = 0, finish: str | None = None, **more: Any) -> Chunk:
    function = {"name": "look", "arguments": arguments}
    return piece(None, finish, tool_calls=[{"index": index, "id": f"c{index}", "function": function, **more}])


async def rendered(call: Call, *steps: Chunk | Exception) -> Sent:
    sent = Sent()
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await reply.render(call, answer, {"X-Ivy-Model": "m1"}.copy, sent)
    return sent


async def whole(*steps: Chunk, thoughts: bool = False) -> Any:
    return (await rendered(make_call(learnt={foreign.THOUGHTS: thoughts}), *map(headed, steps))).json


def streaming(*, thoughts: bool = False, array: bool = False) -> Call:
    return make_call(stream=True, learnt={foreign.THOUGHTS: thoughts, EVENTS: not array})


async def streamed(*steps: Chunk, thoughts: bool = False) -> list[dict[str, Any]]:
    sent = await rendered(streaming(thoughts=thoughts), *map(headed, steps))
    found = events(sent.body.decode())
    assert all(event.name is None for event in found)
    return [event.json for event in found]


def parts(response: Any, candidate: int = 0) -> Any:
    return response["candidates"][candidate]["content"]["parts"]


async def test_an_answer_is_a_response() -> None:
    steps = piece("Hel", role="assistant"), piece("lo", "stop"), Chunk({"choices": [], "usage": USAGE})
    candidate = {"content": {"parts": [{"text": "Hello"}], "role": "model"}, "index": 0, "finishReason": "STOP"}
    assert await whole(*steps) == {"candidates": [candidate], "usageMetadata": COUNTED, **SHOWN}


async def test_a_policy_s_own_answer_has_a_name_and_a_model_too() -> None:
    sent = await rendered(make_call(), Chunk.saying("no", finish="stop"))
    assert (sent.json["modelVersion"], sent.json["usageMetadata"]) == ("default", NOTHING)
    assert sent.json["responseId"]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "STOP"), ("length", "MAX_TOKENS"), ("content_filter", "SAFETY"), ("tool_calls", "STOP")],
)
async def test_why_it_ended(finish: str, reason: str) -> None:
    assert (await whole(piece("a", finish)))["candidates"][0]["finishReason"] == reason
    *before, last = await streamed(piece("a", finish))
    assert last["candidates"][0]["finishReason"] == reason
    assert not any("finishReason" in one["candidates"][0] for one in before)


async def test_nothing_said_is_a_candidate_without_parts() -> None:
    assert (await whole(piece(finish="content_filter")))["candidates"][0]["content"] == {"role": "model"}


async def test_functions_are_called_with_objects_and_whole_in_a_stream() -> None:
    signed: dict[str, Any] = {"provider_specific_fields": {"thought_signature": "c2ln"}}
    steps = piece("see"), called('{"a"', **signed), called("", 1), called(": 1}", finish="tool_calls")
    expected = [
        {"functionCall": {"name": "look", "args": {"a": 1}, "id": "c0"}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "look", "args": {}, "id": "c1"}},
    ]
    assert parts(await whole(*steps)) == [{"text": "see"}, *expected]
    first, last = await streamed(*steps)
    assert (parts(first), parts(last)) == ([{"text": "see"}], expected)


async def test_a_call_that_can_t_be_read_is_an_error_unless_it_was_cut() -> None:
    with pytest.raises(Unavailable):
        await whole(called('{"a"', finish="tool_calls"))
    assert parts(await whole(called('{"a"', finish="length")))[0]["functionCall"]["args"] == {}


async def test_a_refusal_is_told_as_safety() -> None:
    steps = piece(None, refusal="I won't."), piece(finish="stop")
    made = await whole(*steps)
    assert (parts(made), made["candidates"][0]["finishReason"]) == ([{"text": "I won't."}], "SAFETY")
    first, last = await streamed(*steps)
    assert (parts(first), last["candidates"][0]["finishReason"]) == ([{"text": "I won't."}], "SAFETY")


async def test_thoughts_are_shown_to_who_asked_for_them() -> None:
    steps = piece(None, reasoning_content="hm"), piece("yes", "stop")
    thought = {"text": "hm", "thought": True}
    assert parts(await whole(*steps, thoughts=True)) == [thought, {"text": "yes"}]
    assert parts(await whole(*steps)) == [{"text": "yes"}]
    assert parts((await streamed(*steps, thoughts=True))[0]) == [thought]
    assert parts((await streamed(*steps))[0]) == [{"text": "yes"}]


async def test_a_stream_has_its_usage_at_its_end() -> None:
    found = await streamed(
        Chunk({"choices": []}, {"note": 1}),
        piece("", role="assistant"),
        piece("Hel"),
        piece("lo", "stop"),
        Chunk({"choices": [], "usage": USAGE}),
    )
    assert [parts(one) for one in found] == [[{"text": "Hel"}], [{"text": "lo"}], [{"text": ""}]]
    assert [one.get("usageMetadata") for one in found] == [None, None, COUNTED]
    assert all(one.items() >= SHOWN.items() for one in found)


async def test_candidates_are_numbered() -> None:
    steps = piece("a", index=0), piece("b", index=1), piece(finish="stop", index=1), piece(finish="length", index=0)
    made = (await whole(*steps))["candidates"]
    assert [(one["index"], one["content"]["parts"], one["finishReason"]) for one in made] == [
        (0, [{"text": "a"}], "MAX_TOKENS"),
        (1, [{"text": "b"}], "STOP"),
    ]
    first, second, last = await streamed(*steps)
    assert [one["candidates"][0]["index"] for one in (first, second)] == [0, 1]
    assert [(one["index"], one["finishReason"]) for one in last["candidates"]] == [(0, "MAX_TOKENS"), (1, "STOP")]


async def test_logprobs_are_in_google_s_shape() -> None:
    token = {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1.5}]}
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop", "logprobs": {"content": [token]}}
    expected = {
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -1.5}]}],
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
    }
    for made in (await whole(Chunk({"choices": [choice]})), (await streamed(Chunk({"choices": [choice]})))[0]):
        assert made["candidates"][0]["logprobsResult"] == expected
        assert made["candidates"][0]["avgLogprobs"] == -0.5


async def test_without_events_a_stream_is_one_array_sent_piece_by_piece() -> None:
    sent = await rendered(streaming(array=True), headed(piece("Hel")), headed(piece("lo", "stop")))
    assert sent.headers["content-type"].startswith("application/json")
    bodies = [message["body"] for message in sent.messages[1:] if message["body"]]
    assert len(bodies) == 4
    assert json.loads(bodies[0] + b"]")[0] == json.loads(sent.body)[0]
    assert [parts(one) for one in sent.json] == [[{"text": "Hel"}], [{"text": "lo"}], [{"text": ""}]]


async def broken(*, array: bool) -> bytes:
    sent = Sent()
    upstream = FakeUpstream(headed(piece("a")), Unavailable("broke off", code="stream_broken"))
    with pytest.raises(GatewayError):
        async with Pipeline((), upstream, Lines()).run(streaming(array=array)) as answer:
            await reply.render(answer.call, answer, dict, sent)
    assert sent.ended
    return sent.body


async def test_a_stream_that_breaks_ends_with_an_error_that_google_s_clients_read() -> None:
    expected = {
        "message": "broke off",
        "type": "server_error",
        "param": None,
        "code": 503,
        "status": "UNAVAILABLE",
        "reason": "stream_broken",
    }
    last = events((await broken(array=False)).decode())[-1]
    assert (last.name, last.json) == (None, {"error": expected})
    assert json.loads(await broken(array=True))[-1] == {"error": expected}

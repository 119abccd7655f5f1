from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import Call, Chunk, GatewayError, Unavailable
from gateway.http import foreign
from gateway.http.anthropic import reply
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent
from tests.support.fakes import FakeUpstream, make_call, piece
from tests.support.sse import events

USAGE = {"prompt_tokens": 10, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}
COUNTED = {
    "input_tokens": 6,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 4,
    "output_tokens": 7,
}
NOTHING = dict.fromkeys(COUNTED, 0)
HEAD = {"id": "chatcmpl-1", "model": "m1"}


def headed(chunk: Chunk) -> Chunk:
    return Chunk({**HEAD, **chunk.data})


def called(arguments: str, index: int = 0, finish: str | None = None) -> Chunk:
    call = {"index": index, "id": f"c{index}", "type": "function", "function": {"name": "look", "arguments": arguments}}
    return piece(None, finish, tool_calls=[call])


async def rendered(call: Call, *steps: Chunk | Exception) -> Sent:
    sent = Sent()
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await reply.render(call, answer, {"X-Ivy-Model": "m1"}.copy, sent)
    return sent


async def message(*steps: Chunk, thoughts: bool = False) -> Any:
    sent = await rendered(make_call(learnt={foreign.THOUGHTS: thoughts}), *map(headed, steps))
    assert sent.headers["x-ivy-model"] == "m1"
    return sent.json


async def streamed(*steps: Chunk, thoughts: bool = False) -> list[dict[str, Any]]:
    call = make_call(stream=True, learnt={foreign.THOUGHTS: thoughts})
    sent = await rendered(call, *map(headed, steps))
    found = events(sent.body.decode())
    assert all(event.name == event.json["type"] for event in found)
    return [event.json for event in found]


async def test_an_answer_is_a_message() -> None:
    assert await message(
        piece("Hel", role="assistant"), piece("lo", "stop"), Chunk({"choices": [], "usage": USAGE})
    ) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m1",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": COUNTED,
    }


async def test_a_policy_s_own_answer_has_a_name_and_a_model_too() -> None:
    sent = await rendered(make_call(), Chunk.saying("no", finish="stop"))
    assert sent.json["id"].startswith("msg_")
    assert (sent.json["model"], sent.json["usage"]) == ("default", NOTHING)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("tool_calls", "tool_use")],
)
async def test_why_it_ended(finish: str, reason: str) -> None:
    assert (await message(piece("a", finish)))["stop_reason"] == reason
    assert (await streamed(piece("a", finish)))[-2]["delta"] == {"stop_reason": reason, "stop_sequence": None}


@pytest.mark.parametrize("finish", ["stop", "tool_calls"])
async def test_tools_are_called_each_in_its_block(finish: str) -> None:
    steps = piece("let me see"), called('{"a": 1}'), called("", 1, finish)
    made = await message(*steps)
    assert made["stop_reason"] == "tool_use"
    assert made["content"] == [
        {"type": "text", "text": "let me see"},
        {"type": "tool_use", "id": "c0", "name": "look", "input": {"a": 1}},
        {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
    ]
    found = await streamed(*steps)
    blocks = [event["content_block"]["type"] for event in found if event["type"] == "content_block_start"]
    assert blocks == ["text", "tool_use", "tool_use"]
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


async def test_a_call_that_can_t_be_read_is_an_error_unless_it_was_cut() -> None:
    with pytest.raises(Unavailable):
        await message(called('{"a"', finish="tool_calls"))
    cut = await message(called('{"a"', finish="length"))
    assert (cut["stop_reason"], cut["content"][0]["input"]) == ("max_tokens", {})


async def test_a_refusal_is_what_was_said_and_why_it_ended() -> None:
    steps = piece(None, refusal="I won't."), piece(finish="stop")
    made = await message(*steps)
    assert (made["content"], made["stop_reason"]) == ([{"type": "text", "text": "I won't."}], "refusal")
    assert (await streamed(*steps))[-2]["delta"]["stop_reason"] == "refusal"


async def test_thoughts_are_shown_to_who_asked_for_them() -> None:
    steps = piece(None, reasoning_content="hm"), piece("yes", "stop")
    shown, hidden = await message(*steps, thoughts=True), await message(*steps)
    assert shown["content"][0] == {"type": "thinking", "thinking": "hm", "signature": ""}
    assert [block["type"] for block in hidden["content"]] == ["text"]
    blocks = [event for event in await streamed(*steps, thoughts=True) if event["type"] == "content_block_start"]
    assert [event["content_block"]["type"] for event in blocks] == ["thinking", "text"]


async def test_a_stream_is_told_from_its_start_to_its_stop() -> None:
    found = await streamed(
        Chunk({"choices": []}, {"note": 1}),
        piece("", role="assistant"),
        piece("Hel"),
        piece("lo", "stop"),
        Chunk({"choices": [], "usage": USAGE}),
    )
    assert [event["type"] for event in found] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m1", "content": []}
    assert found[0]["message"] == start | {"stop_reason": None, "stop_sequence": None, "usage": NOTHING}
    assert found[-2]["usage"] == COUNTED
    assert found[-1] == {"type": "message_stop"}


async def test_other_choices_are_none_of_a_message() -> None:
    found = await streamed(piece("a", index=0), piece("b", index=1), piece(None, "stop"))
    assert [event["delta"]["text"] for event in found if event["type"] == "content_block_delta"] == ["a"]


def test_tokens_of_a_cache_are_not_among_the_input_s() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "cache_creation_input_tokens": 3,
        "prompt_tokens_details": None,
    }
    assert reply.usage(usage) == NOTHING | {
        "input_tokens": 7,
        "cache_creation_input_tokens": 3,
        "output_tokens": 1,
    }
    assert reply.usage({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}})["input_tokens"] == 0


async def test_a_stream_that_breaks_ends_with_an_error_and_no_stop() -> None:
    sent = Sent()
    upstream = FakeUpstream(headed(piece("a")), Unavailable("broke off", code="stream_broken"))
    with pytest.raises(GatewayError):
        async with Pipeline((), upstream, Lines()).run(make_call(stream=True)) as answer:
            await reply.render(answer.call, answer, dict, sent)
    last = events(sent.body.decode())[-1]
    assert (last.name, last.json["type"], last.json["error"]["type"]) == ("error", "error", "overloaded_error")
    assert last.json["error"]["code"] == "stream_broken"
    assert b"message_stop" not in sent.body


async def test_an_error_before_the_first_word_is_left_to_others() -> None:
    sent = Sent()
    with pytest.raises(Unavailable):
        async with Pipeline((), FakeUpstream(Unavailable("down")), Lines()).run(make_call(stream=True)) as answer:
            await reply.render(answer.call, answer, dict, sent)
    assert sent.messages == []

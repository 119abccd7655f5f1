from __future__ import annotations

from typing import Any

import pytest

from gateway.lanes.openai_stream import OpenAIGatherer, OpenAIStream
from gateway.lanes.progress import Progress
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import deployment, make_call

Json = dict[str, Any]
MINI = deployment("mini", model="gpt-4o-mini", api_key="k")
FUNCTION = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}


def progress(n: int = 1) -> Progress:
    return Progress.of(make_call(params={"messages": [], "n": n}, stream=True))


def chunk(delta: Json, finish: str | None = None, index: int = 0, **more: Any) -> Json:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "s", "created": 7, "model": "other", "choices": [choice], **more}


def test_chunks_are_passed_on_under_one_head() -> None:
    reader = OpenAIStream(MINI, progress())
    sent = [chunk({"role": "assistant"}, usage=None), chunk({"content": "a"}, id="another"), chunk({}, "stop")]
    found = [reader.read(one) for one in [*sent, {"choices": [], "usage": {"total_tokens": 3}}]]
    head = {"id": "s", "created": 7, "model": "mini", "object": "chat.completion.chunk"}
    choice = {"index": 0, "finish_reason": None}
    assert found == [
        [head | {"choices": [choice | {"delta": {"role": "assistant"}}]}],
        [head | {"choices": [choice | {"delta": {"content": "a"}}]}],
        [head | {"choices": [choice | {"delta": {}, "finish_reason": "stop"}]}],
        [head | {"choices": [], "usage": {"total_tokens": 3}}],
    ]
    assert reader.end() == []


def test_a_stream_is_finished_when_every_choice_is() -> None:
    reader = OpenAIStream(MINI, progress(2))
    seen = []
    for one in (chunk({"content": "a"}), chunk({"content": "b"}, index=1), chunk({}, "stop"), chunk({}, "length", 1)):
        reader.read(one)
        seen.append(reader.progress.finished)
    assert seen == [False, False, False, True]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({}, Kind.GARBAGE),
        ({"choices": None}, Kind.GARBAGE),
        ({"error": {"message": "m"}}, Kind.STREAM_ERROR),
        ({"error": {"code": 429}}, Kind.RATE_LIMITED),
        ({"error": "text"}, Kind.STREAM_ERROR),
    ],
)
def test_an_event_that_is_no_chunk(event: Json, kind: Kind) -> None:
    for reader in (OpenAIStream(MINI, progress()).read, OpenAIGatherer(progress()).add):
        with pytest.raises(Failure) as caught:
            reader(event)
        assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("delta", "says", "brings"),
    [
        ({"role": "assistant", "content": "", "refusal": None}, False, 0),
        ({"content": " \n"}, False, 1),
        ({"content": "a"}, True, 1),
        ({"content": None}, False, 0),
        ({"refusal": "no"}, True, 1),
        ({"tool_calls": [FUNCTION]}, True, 1),
        ({"function_call": {"name": "f"}}, True, 1),
        ({"reasoning_content": "hm"}, True, 0),
        ({}, False, 0),
    ],
    ids=str,
)
def test_what_an_event_says(delta: Json, says: bool, brings: int) -> None:
    gatherer = OpenAIGatherer(progress())
    assert gatherer.add(chunk(delta)) is says
    assert gatherer.progress.brought == brings


def test_a_stream_is_complete_with_its_finish_reasons_and_its_usage() -> None:
    gatherer = OpenAIGatherer(progress())
    usage = {"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}
    seen = []
    for one in (chunk({"content": "a"}, usage=usage), chunk({}, "stop"), {"choices": [], "usage": usage}):
        gatherer.add(one)
        seen.append((gatherer.progress.complete, gatherer.progress.tokens))
    assert seen == [(False, None), (False, None), (True, 2)]


def test_events_are_gathered_to_the_reply_they_would_have_been() -> None:
    gatherer = OpenAIGatherer(progress())
    top: Json = {"system_fingerprint": "fp", "service_tier": "default"}
    gatherer.add(chunk({"role": "assistant", "content": "", "refusal": None}, **top))
    for part in ("{", "}"):
        gatherer.add(chunk({"tool_calls": [{**FUNCTION, "function": {"name": "f", "arguments": part}}]}))
    gatherer.add(chunk({}, "tool_calls"))
    gatherer.add({"choices": [], "usage": {"total_tokens": 3}})
    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "", "refusal": None, "tool_calls": [called]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    assert gatherer.reply() == {
        "id": "s", "object": "chat.completion", "created": 7, "model": "other", **top,
        "choices": [choice], "usage": {"total_tokens": 3},
    }  # fmt: skip


def test_a_choice_tells_its_role_at_first_and_once() -> None:
    reader = OpenAIStream(MINI, progress(2))
    sent = [chunk({"content": "a"}), chunk({"role": "assistant", "content": "b"}), chunk({"role": None}, index=1)]
    sent += [{"choices": [{"finish_reason": "stop"}]}]
    found = [reader.read(one)[0]["choices"][0]["delta"] for one in sent]
    assert found == [{"role": "assistant", "content": "a"}, {"content": "b"}, {"role": "assistant"}, {}]


def test_calls_are_numbered_choice_by_choice() -> None:
    reader = OpenAIStream(MINI, progress(2))
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    found = []
    for index in (0, 1, 1):
        [made] = reader.read(chunk({"tool_calls": [dict(call)]}, index=index))
        found.append(made["choices"][0]["delta"]["tool_calls"][0]["index"])
    assert found == [0, 0, 1]


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([None, None, 3], [None, None, 3, None]),  # as OpenAI does, in an event of its own
        ([1, 2, 3], [None, None, 3, None]),
        ([1, 2, None], [None, None, None, 2]),
        ([None, None, None], [None, None, None, None]),
    ],
)
def test_a_usage_that_comes_early_waits_for_one_that_comes_later(
    counts: list[int | None], told: list[int | None]
) -> None:
    reader = OpenAIStream(MINI, progress())
    events = [chunk({"content": "a"}), chunk({"content": "b"}), {"choices": []}]
    if counts[2] is None:
        events[2] = chunk({}, "stop")
    found = []
    for event, count in zip(events, counts, strict=True):
        [made] = reader.read(event | ({"usage": {"total_tokens": count}} if count else {}))
        found.append(made.get("usage", {}).get("total_tokens"))
    last = reader.end()
    found.append(last[0]["usage"]["total_tokens"] if last else None)
    assert found == told

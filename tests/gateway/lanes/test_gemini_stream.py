from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from gateway.lanes.gemini_stream import GeminiStream, note
from gateway.lanes.progress import Progress
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from tests.gateway.lanes.test_gemini_wire import CALL_PART, COUNTED, ERRORS, USAGE, candidate, reply
from tests.support.fakes import deployment, make_call

FLASH = deployment("flash", provider="gemini", model="gemini-2.5-flash", api_key="k")


def streamed(to: Deployment, *events: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    reader = GeminiStream(to, Progress.of(make_call(stream=True)))
    chunks = [chunk for event in events for chunk in reader.read(deepcopy(event))]
    return chunks, reader.progress.finished


def test_a_stream_has_one_id_its_role_first_and_its_usage_last() -> None:
    chunks, finished = streamed(
        FLASH,
        reply(candidate({"text": "a"}, finish=None)),
        reply(candidate({"text": "b"}, finish=None), responseId="another"),
        reply(candidate({"text": "c"})),
    )
    assert finished
    assert {(chunk["id"], chunk["model"]) for chunk in chunks} == {("r", "flash")}
    assert [choice["delta"] for chunk in chunks for choice in chunk["choices"]] == [
        {"role": "assistant", "content": "a"},
        {"content": "b"},
        {"content": "c"},
    ]
    assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"]] == [None, None, "stop"]
    assert [bool(chunk.get("usage")) for chunk in chunks] == [False, False, False, True]
    assert chunks[-1]["usage"].items() >= COUNTED.items()


def test_a_stream_without_a_finish_reason_is_not_finished() -> None:
    chunks, finished = streamed(FLASH, reply(candidate({"text": "a"}, finish=None)))
    assert not finished
    assert not any("usage" in chunk for chunk in chunks)


@pytest.mark.parametrize(
    "events",
    [[reply(candidate(CALL_PART))], [reply(candidate(CALL_PART, finish=None)), reply(candidate({"text": ""}))]],
    ids=["at once", "finished later"],
)
def test_a_streamed_tool_call(events: list[dict[str, Any]]) -> None:
    chunks, finished = streamed(FLASH, *events)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    (call,) = choices[0]["delta"]["tool_calls"]
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "look")
    assert (finished, choices[-1]["finish_reason"]) == (True, "tool_calls")


@pytest.mark.parametrize(
    "event",
    [
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE},
        reply({"index": 0, "finishReason": "SAFETY"}),
    ],
    ids=["prompt", "answer"],
)
def test_a_stream_that_is_blocked_says_so(event: dict[str, Any]) -> None:
    chunks, finished = streamed(FLASH, event)
    assert (finished, chunks[0]["choices"][0]["finish_reason"]) == (True, "content_filter")


@pytest.mark.parametrize(("event", "kind"), ERRORS)
def test_an_error_in_a_stream(event: dict[str, Any], kind: Kind) -> None:
    """Once words were said, it is one of the stream, whatever it calls itself."""
    for events, expected in (((), kind), ((reply(candidate({"text": "a"}, finish=None)),), Kind.STREAM_ERROR)):
        with pytest.raises(Failure) as caught:
            streamed(FLASH, *events, event)
        assert caught.value.kind is expected


THOUGHT = {"text": "hm", "thought": True}


@pytest.mark.parametrize(
    ("parts", "says", "brings"),
    [
        ([{"text": "a"}], True, 1),
        ([{"text": "a"}, {"text": "b"}], True, 1),
        ([{"text": " "}], False, 1),
        ([{"text": ""}], False, 0),
        ([THOUGHT], True, 0),
        ([CALL_PART], True, 1),
        ([], False, 0),
    ],
    ids=str,
)
def test_what_an_event_says(parts: list[Any], says: bool, brings: int) -> None:
    progress = Progress.of(make_call(stream=True))
    assert note(progress, reply(candidate(*parts, finish=None))) is says
    assert progress.brought == brings


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"candidatesTokenCount": 5}, 5),
        ({"candidatesTokenCount": 5, "thoughtsTokenCount": 2, "promptTokenCount": 1, "totalTokenCount": 8}, 5),
        ({"candidatesTokenCount": 5, "thoughtsTokenCount": 2, "promptTokenCount": 1, "totalTokenCount": 6}, 3),
        ({"promptTokenCount": 5}, None),
    ],
    ids=str,
)
def test_the_tokens_of_the_answer_are_those_of_its_last_count(usage: dict[str, Any], tokens: int | None) -> None:
    progress = Progress.of(make_call(stream=True))
    note(progress, reply(candidate({"text": "a"}, finish=None)))
    assert not progress.complete
    note(progress, {**reply(candidate({"text": "b"})), "usageMetadata": usage})
    assert (progress.complete, progress.tokens) == (True, tokens)

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lanes.gemini_gather import GeminiGatherer
from gateway.lanes.progress import Progress
from gateway.upstream.failures import Failure
from gateway.upstream.finishes import Finishes
from tests.gateway.lanes.test_gemini_wire import CALL_PART, ERRORS, USAGE, candidate, reply
from tests.support.fakes import PROPERTY, make_call

Json = dict[str, Any]
SIGNED = {"text": "s", "thoughtSignature": "x"}
KEPT: list[Json] = [
    CALL_PART,
    SIGNED,
    {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
    {"text": "c", "videoMetadata": {}},
]


def gathered(*events: Json, n: int = 1) -> Json:
    gatherer = GeminiGatherer(Progress.of(make_call(params={"messages": [], "n": n}, stream=True)))
    for event in events:
        gatherer.add(event)
    return gatherer.reply()


def thought(text: str) -> Json:
    return {"text": text, "thought": True}


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Json], list[Json]]:
    """The parts of an answer as one reply has them, and as a stream may bring them."""
    whole: list[Json] = []
    pieces: list[Json] = []
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            part = draw(st.sampled_from(KEPT))
            whole.append(part)
            pieces.append(part)
            continue
        last = whole[-1] if whole and set(whole[-1]) <= {"text", "thought"} else {}
        kind = thought if draw(st.booleans()) else lambda text: {"text": text}
        if last and bool(last.get("thought")) == (kind is thought):
            continue
        text = draw(st.text(min_size=1, max_size=12))
        places = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=3))})
        whole.append(kind(text))
        pieces += [kind(text[start:stop]) for start, stop in pairwise(places)]
    return whole, pieces


@PROPERTY
@given(answers(), st.lists(st.booleans(), min_size=40, max_size=40))
def test_however_the_parts_are_split_they_come_together_again(answer: tuple[list[Json], list[Json]], cut: Any) -> None:
    whole, pieces = answer
    events: list[list[Json]] = [[]]
    for part, begins in zip(pieces, cut, strict=False):
        if begins:
            events.append([])
        events[-1].append(part)
    made = [reply(candidate(*parts, finish=None)) for parts in events]
    found = gathered(*made, reply(candidate()))
    (one,) = found["candidates"]
    assert one["content"].get("parts", []) == whole
    assert (one["content"]["role"], one["finishReason"], one["index"]) == ("model", "STOP", 0)


def test_candidates_are_kept_apart_and_in_order() -> None:
    found = gathered(
        reply(candidate({"text": "b"}, index=1, finish=None)),
        reply(candidate({"text": "a"}, finish=None), candidate({"text": "c"}, index=1)),
        reply(candidate({"text": "d"})),
        n=2,
    )
    texts = [one["content"]["parts"] for one in found["candidates"]]
    assert texts == [[{"text": "ad"}], [{"text": "bc"}]]


def test_of_what_is_said_more_than_once_the_last_is_kept() -> None:
    first = {**candidate({"text": "a"}, finish=None), "safetyRatings": [1], "groundingMetadata": {"a": 1}}
    last = {**candidate({"text": "b"}), "finishMessage": "m", "safetyRatings": [2], "groundingMetadata": None}
    usage = {**USAGE, "candidatesTokenCount": 9}
    found = gathered(reply(first, modelVersion="1", promptFeedback={"x": 1}), reply(last) | {"usageMetadata": usage})
    (one,) = found["candidates"]
    assert (one["safetyRatings"], one["groundingMetadata"], one["finishMessage"]) == ([2], {"a": 1}, "m")
    assert (found["modelVersion"], found["promptFeedback"], found["responseId"]) == ("1", {"x": 1}, "r")
    assert found["usageMetadata"] == usage


def test_tokens_and_citations_go_on_from_event_to_event() -> None:
    def event(number: int) -> Json:
        more = {"logprobsResult": {"chosenCandidates": [number]}, "citationMetadata": {"citations": [number]}}
        return reply({**candidate({"text": "a"}), **more})

    (one,) = gathered(event(1), event(2))["candidates"]
    assert one["logprobsResult"] == {"chosenCandidates": [1, 2]}
    assert one["citationMetadata"] == {"citations": [1, 2]}


def test_a_blocked_prompt_has_no_candidates() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}
    assert gathered(blocked) == blocked


@pytest.mark.parametrize(("event", "kind"), ERRORS)
def test_an_error_in_place_of_an_event(event: Json, kind: Any) -> None:
    with pytest.raises(Failure) as caught:
        gathered(event)
    assert caught.value.kind is kind


@pytest.mark.parametrize("first", [{"index": 0}, {"index": 0, "content": None}, {"index": 0, "safetyRatings": []}])
def test_text_behind_an_event_without_content_is_kept(first: dict[str, Any]) -> None:
    gatherer = GeminiGatherer(Progress(Finishes(1)))
    gatherer.add({"candidates": [first]})
    gatherer.add({"candidates": [{"index": 0, "content": {"parts": [{"text": "The answer"}], "role": "model"}}]})
    gatherer.add({"candidates": [{"index": 0, "content": {"parts": [{"text": " is 42."}], "role": "model"}}]})
    gatherer.add({"candidates": [{"index": 0, "finishReason": "STOP"}]})
    (candidate,) = gatherer.reply()["candidates"]
    assert candidate["content"]["parts"] == [{"text": "The answer is 42."}]

"""Held against LiteLLM's own translation, which this stands in for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litellm.llms.vertex_ai.gemini.transformation import gemini_convert_messages_with_history
from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import VertexGeminiConfig

from gateway.contract import Call, Identity, Operation, Surface
from gateway.lanes import gemini_plain
from gateway.lanes.gemini_stream import GeminiStream, openai_usage
from gateway.lanes.gemini_wire import GeminiWire
from gateway.lanes.progress import Progress
from gateway.upstream.deployment import Deployment
from tests.support.fakes import PROPERTY

PLAIN = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=9)})
DEPLOYMENT = Deployment(id="g#1", group="g", provider="gemini", model="gemini-2.0-flash", lane="lean")
COUNTS = st.integers(0, 5000)
TEXTS = st.text(min_size=1, max_size=20)


def call(choices: int) -> Call:
    params = {"messages": [{"role": "user", "content": "hi"}], "n": choices}
    identity = Identity("127.0.0.1")
    return Call(
        request_id="r", surface=Surface.V1, operation=Operation.CHAT, model="g", params=params, identity=identity
    )


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    prompt, answer, thoughts = draw(COUNTS), draw(COUNTS), draw(st.integers(1, 500))
    counts: dict[str, Any] = {"promptTokenCount": prompt, "candidatesTokenCount": answer}
    counts["totalTokenCount"] = prompt + answer + draw(st.sampled_from([0, thoughts]))
    if draw(st.booleans()):
        counts["thoughtsTokenCount"] = thoughts
    if draw(st.booleans()):
        counts["cachedContentTokenCount"] = draw(st.integers(1, 500))
    if draw(st.booleans()):
        counts["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
    for name in draw(st.sets(st.sampled_from(sorted(counts)))):
        if name != "totalTokenCount" and draw(st.booleans()):  # of nothing, LiteLLM makes a usage of zeros
            del counts[name]
    return counts


@st.composite
def replies(draw: st.DrawFn, *, finishes: st.SearchStrategy[str | None]) -> dict[str, Any]:
    candidates = []
    for index in range(draw(st.integers(1, 3))):
        candidate: dict[str, Any] = {"content": {"parts": [{"text": draw(TEXTS)}], "role": "model"}}
        if index or draw(st.booleans()):
            candidate["index"] = index
        reason = draw(finishes)
        if reason:
            candidate["finishReason"] = reason
        if draw(st.booleans()):
            candidate["safetyRatings"] = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]
        if draw(st.booleans()):
            candidate["avgLogprobs"] = -0.1
        candidates.append(candidate)
    data: dict[str, Any] = {"candidates": candidates, "modelVersion": "gemini-2.0-flash", "responseId": "r1"}
    if draw(st.booleans()):
        data["usageMetadata"] = draw(usages())
    return data


@PROPERTY
@given(usages())
def test_usage_is_what_litellm_makes_of_it(counts: dict[str, Any]) -> None:
    reply: Any = {"usageMetadata": counts}
    theirs = openai_usage(VertexGeminiConfig.calculate_usage(reply).model_dump())
    assert gemini_plain.usage(counts) == theirs


def _untimed(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in chunk.items() if key != "created"} for chunk in chunks]


@PROPERTY
@given(st.lists(replies(finishes=st.none()), max_size=3), replies(finishes=st.sampled_from(["STOP", "MAX_TOKENS"])))
def test_a_stream_is_what_litellm_makes_of_it(events: list[dict[str, Any]], last: dict[str, Any]) -> None:
    choices = max(len(event["candidates"]) for event in [*events, last])

    def read(*, plainly: bool) -> list[dict[str, Any]]:
        stream = GeminiStream(DEPLOYMENT, Progress.of(call(choices)))
        with pytest.MonkeyPatch.context() as patch:
            if not plainly:
                patch.setattr(gemini_plain, "said", lambda data: None)
                patch.setattr(gemini_plain, "usage", lambda counts: None)
            return _untimed([chunk for event in [*events, last] for chunk in stream.read(event)] + stream.end())

    assert read(plainly=True) == read(plainly=False)


@PROPERTY
@given(replies(finishes=st.sampled_from(["STOP", "MAX_TOKENS"])))
def test_a_reply_is_what_litellm_makes_of_it(data: dict[str, Any]) -> None:
    def whole(*, plainly: bool) -> list[dict[str, Any]]:
        with pytest.MonkeyPatch.context() as patch:
            if not plainly:
                patch.setattr(gemini_plain, "said", lambda data: None)
                patch.setattr(gemini_plain, "usage", lambda counts: None)
            wire = GeminiWire(drop_params=True)
            return _untimed([wire.whole(DEPLOYMENT, call(len(data["candidates"])), {**data})])

    assert whole(plainly=True) == whole(plainly=False)


TEXT = {"content": {"parts": [{"text": "hi"}], "role": "model"}}
NOT_PLAIN = {
    "a call": {"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}},
    "a thought": {"content": {"parts": [{"text": "hm", "thought": True}]}},
    "a signature": {"content": {"parts": [{"text": "hm", "thoughtSignature": "x"}]}},
    "two parts": {"content": {"parts": [{"text": "a"}, {"text": "b"}]}},
    "no text": {"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"},
    "no parts": {"content": {"role": "model"}},
    "no content": {"finishReason": "STOP"},
    "another reason": {**TEXT, "finishReason": "SAFETY"},
    "grounding": {**TEXT, "groundingMetadata": {}},
    "logprobs": {**TEXT, "logprobsResult": {}},
    "citations": {**TEXT, "citationMetadata": {}},
    "an odd index": {**TEXT, "index": True},
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_anything_more_than_text_is_litellm_s_to_translate(what: str) -> None:
    assert gemini_plain.said({"candidates": [NOT_PLAIN[what]]}) is None
    assert gemini_plain.said({"candidates": [TEXT, NOT_PLAIN[what]]}) is None


@pytest.mark.parametrize("data", [{}, {"candidates": []}, {"promptFeedback": {}, "candidates": [TEXT]}])
def test_without_candidates_or_with_feedback_too(data: dict[str, Any]) -> None:
    assert gemini_plain.said(data) is None


@pytest.mark.parametrize(
    "counts",
    [
        {"toolUsePromptTokenCount": 3},
        {"candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}]},
        {"promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}]},
        {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}, {"modality": "IMAGE", "tokenCount": 3}]},
        {"promptTokenCount": "3"},
        {"promptTokenCount": None},
        {"candidatesTokenCount": -1},
    ],
)
def test_counts_of_more_than_text_are_litellm_s_too(counts: dict[str, Any]) -> None:
    assert gemini_plain.usage({"promptTokenCount": 1, **counts}) is None


@PROPERTY
@given(st.lists(PLAIN, max_size=6))
def test_a_conversation_is_what_litellm_makes_of_it(messages: list[dict[str, Any]]) -> None:
    contents = gemini_plain.contents(messages)
    texts = all(message["content"].strip() for message in messages)
    assert (contents is None) == (not texts or not messages or messages[0]["role"] != "user")
    if contents is not None:
        assert contents == gemini_convert_messages_with_history(messages, model="gemini-2.0-flash")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": "a", "name": "maya"},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": "a", "tool_calls": []},
        {"role": "tool", "content": "a"},
        {"role": "system", "content": "a"},
    ],
)
def test_a_conversation_of_more_than_texts_is_litellm_s(message: dict[str, Any]) -> None:
    assert gemini_plain.contents([{"role": "user", "content": "a"}, message]) is None

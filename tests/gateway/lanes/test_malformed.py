from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gateway.lanes.malformed import Mender
from gateway.lanes.progress import Progress
from gateway.upstream.failures import Failure
from tests.support.fakes import make_call

ENVELOPE = {"id": "x", "object": "chat.completion.chunk"}


def openai(text: str, **more: Any) -> bytes:
    return json.dumps({**ENVELOPE, "choices": [{"index": 0, "delta": {"content": text}}], **more}).encode()


def gemini(text: str, **more: Any) -> bytes:
    return json.dumps({"candidates": [{"content": {"parts": [{"text": text}]}}], **more}).encode()


LONG = "a text of many words"
CASES = [
    # what is malformed, what follows it, whether that can be given out at once
    (openai(LONG)[:40], openai(LONG)[40:], True),
    (gemini(LONG)[:-3], gemini(LONG), False),
    (openai("0")[:-3], openai("0"), False),
    (openai(LONG)[:30], openai(LONG), False),
    (openai("", role="assistant")[:-3], openai("a"), False),
    (openai(" w2")[:-3], openai(" w3"), False),
    (gemini(LONG)[:-3], gemini(" and another")[:-3], False),
    (b'{"candidates": NaN, "text": "lost"}', gemini("x"), False),
    (b"not json", openai("a"), False),
    (b"[1]", openai("a"), False),
    (b'"ping"', openai("a"), False),
    (b"not", b"json", False),
]


@pytest.mark.parametrize(("broken", "following", "known"), CASES)
def test_only_one_that_was_split_in_two_is_no_loss_for_sure(broken: bytes, following: bytes, known: bool) -> None:
    mender = Mender(Progress.of(make_call()))
    assert mender.read(broken) is None
    mender.read(following)
    assert mender.doubtful is not known
    assert mender.settled() is known


def test_one_that_was_split_in_two_is_put_together() -> None:
    mender = Mender(Progress.of(make_call()))
    event = openai(LONG)
    assert mender.read(event[:50]) is None
    assert mender.read(b"") is None
    assert mender.read(event[50:]) == json.loads(event)
    mender.end()


@pytest.mark.parametrize(("tokens", "whole"), [(2, True), (3, False), (None, False)])
def test_a_doubt_is_settled_by_the_tokens_that_the_provider_counted(tokens: int | None, whole: bool) -> None:
    progress = Progress.of(make_call())
    mender = Mender(progress)
    for event in (b"{", openai("a"), openai("b")):
        mender.read(event)
        assert not mender.doubtful or not mender.settled()
    progress.brought = 2
    progress.finishes.note([{"finish_reason": "stop"}])
    progress.count(tokens)
    if whole:
        assert mender.settled()
        mender.end()
        return
    with pytest.raises(Failure):
        mender.settled()


@pytest.mark.parametrize("events", [[b"{"], [b"{", openai("a")], [openai(LONG)[:-3]]])
def test_a_doubt_that_is_left_at_the_end_is_a_failure(events: list[bytes]) -> None:
    mender = Mender(Progress.of(make_call()))
    for event in events:
        mender.read(event)
    with pytest.raises(Failure):
        mender.end()


def test_once_all_has_finished_nothing_can_be_missing() -> None:
    progress = Progress.of(make_call())
    progress.finishes.note([{"finish_reason": "stop"}])
    mender = Mender(progress)
    for event in (openai(LONG)[:-3], openai("x"), b"{"):
        mender.read(event)
    mender.end()


@pytest.mark.parametrize("event", [b"", b" ", b"\n"])
def test_an_empty_event_is_none(event: bytes) -> None:
    mender = Mender(Progress.of(make_call()))
    assert mender.read(event) is None
    mender.end()


@pytest.mark.parametrize(
    "event", [b'"text":"' * 400_000, b'{"text": "' + b"\\" * 3_000_001, b'{"text":"' + b" " * 3_000_000], ids=len
)
def test_a_hostile_event_costs_no_more_than_its_length(event: bytes) -> None:
    mender = Mender(Progress.of(make_call()))
    started = time.process_time()
    for _ in range(2):
        try:
            mender.read(event)
        except Failure:
            break
    assert time.process_time() - started < 10

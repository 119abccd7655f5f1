from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.lanes.raw_reply import RawReply
from gateway.lanes.sse import MAX_EVENT_BYTES
from gateway.upstream.failures import Kind

TEXT = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"total_tokens": 1}}
SAID = {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}
OVER = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]}
BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}}
ANTHROPIC = {"type": "content_block_delta", "delta": {"text": "a"}}


def streamed(*events: Any) -> RawReply:
    raw = RawReply()
    sent = b"".join(b"data: %b\n\n" % (one if isinstance(one, bytes) else orjson.dumps(one)) for one in events)
    for start in range(0, len(sent), 7):
        raw.feed(sent[start : start + 7])
    raw.end()
    return raw


@pytest.mark.parametrize(
    ("events", "cut"),
    [
        ([TEXT, STOP, USAGE, b"[DONE]"], False),
        ([TEXT, USAGE, b"[DONE]"], True),
        ([TEXT], True),
        ([SAID, OVER], False),
        ([SAID], True),
        ([BLOCKED], False),
        ([ANTHROPIC], False),
        ([], False),
        ([{"choices": [{"index": 1}]}, STOP], True),
    ],
)
def test_a_reply_is_cut_where_a_choice_has_no_finish_reason(events: list[Any], cut: bool) -> None:
    raw = streamed(*events)
    assert (raw.cut, raw.failure()) == (cut, None)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([TEXT, b"{", STOP], Kind.GARBAGE),
        ([b"{", SAID, OVER], Kind.GARBAGE),
        ([SAID, b'"x"', OVER], Kind.GARBAGE),
        ([TEXT, b"", STOP], None),
        ([ANTHROPIC, b"{"], None),
        ([b"[1]", ANTHROPIC], None),
        ([{"choices": 3}], Kind.GARBAGE),
        ([TEXT, {"choices": [None]}], Kind.GARBAGE),
        ([TEXT, {"error": {"code": 503}}], Kind.STREAM_ERROR),
        ([{"error": {"code": 503}}], Kind.STREAM_ERROR),
        ([{"type": "error", "error": {"type": "overloaded_error"}}], None),
        ([b"[" * 1000 + b"]" * 1000, TEXT, STOP], Kind.GARBAGE),
    ],
)
def test_what_is_wrong_with_a_stream(events: list[Any], kind: Kind | None) -> None:
    failure = streamed(*events).failure()
    assert (failure and failure.kind) is kind


@pytest.mark.parametrize(
    ("body", "cut"), [(TEXT, True), (STOP, False), (SAID, True), (OVER, False), (ANTHROPIC, False)]
)
def test_a_whole_reply_is_looked_at_too(body: Any, cut: bool) -> None:
    raw = RawReply()
    raw.body(orjson.dumps(body))
    assert (raw.cut, raw.failure()) == (cut, None)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [[1, 2]]}', b'{"choices": '])
def test_a_body_that_is_no_chat_is_left_alone(body: bytes) -> None:
    raw = RawReply()
    raw.body(body)
    assert (raw.cut, raw.failure()) == (False, None)


def test_an_event_beyond_all_measure_ends_the_watch() -> None:
    raw = RawReply()
    raw.feed(b"data: " + orjson.dumps(TEXT) + b"\n\n")
    for _ in range(MAX_EVENT_BYTES // 65536 + 1):
        raw.feed(b"x" * 65536)
    raw.end()
    assert (raw.cut, raw.failure()) == (False, None)

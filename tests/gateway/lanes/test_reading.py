from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Chunk
from gateway.lanes import reading
from gateway.lanes.boot import configure
from gateway.lanes.gemini_wire import GeminiWire
from gateway.lanes.openai_wire import OpenAIWire
from gateway.lanes.reading import Gathered, Reading, Streamed
from gateway.lanes.wire import Wire
from gateway.upstream.deployment import TICK, Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.fold import completion
from tests.support.fakes import PROPERTY, deployment, make_call

Json = dict[str, Any]
WORDS = ["one ", "two ", "thr\u00e9e ", "four ", "\u4e94"]
LIMIT = 100_000
both = pytest.mark.parametrize("name", ["gemini", "openai"])
each_way = pytest.mark.parametrize("stream", [False, True], ids=["gathered", "streamed"])


@pytest.fixture(autouse=True)
def every_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(drop_params=True)
    monkeypatch.setattr(reading, "TICK_SECONDS", 0.0)


def made(name: str, *, stream: bool, limit: int = LIMIT, n: int = 1) -> Reading:
    wire: Wire = {"gemini": GeminiWire, "openai": OpenAIWire}[name](drop_params=True)
    to: Deployment = deployment(name, provider=name, model={"gemini": "gemini-2.5-flash"}.get(name, "gpt-4o-mini"))
    call = make_call(params={"messages": [], "n": n}, stream=True)
    if stream:
        return Streamed(wire.stream(to, call), limit)
    return Gathered(wire.gather(call), lambda data: wire.whole(to, call, data), limit)


def openai(delta: Json, finish: str | None = None, **more: Any) -> Json:
    return {"id": "x", "created": 7, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def spoken(name: str, words: list[str] = WORDS, *, tokens: int | None = None) -> list[bytes]:
    """The events of an answer: of its words, its finish reason and its usage."""
    count = len(words) if tokens is None else tokens
    if name == "openai":
        events = [openai({"role": "assistant", "content": ""}), *(openai({"content": word}) for word in words)]
        events += [openai({}, "stop"), {"choices": [], "usage": {"completion_tokens": count}}]
        return [*map(orjson.dumps, events), b"[DONE]"]
    contents = [{"content": {"parts": [{"text": word}], "role": "model"}, "index": 0} for word in words]
    usage = {"promptTokenCount": 1, "candidatesTokenCount": count, "totalTokenCount": count + 1}
    events = [{"candidates": [one], "usageMetadata": usage, "responseId": "x"} for one in contents]
    contents[-1]["finishReason"] = "STOP"
    return [*map(orjson.dumps, events)]


def body(events: list[bytes], end: bytes = b"\n") -> bytes:
    return b"".join(b"data: " + event + end * 2 for event in events)


def read(from_: Reading, *received: bytes) -> list[Chunk]:
    chunks = [chunk for part in received for chunk in from_.feed(part)]
    return [*chunks, *from_.end()]


def failed(from_: Reading, *received: bytes) -> tuple[list[Chunk], Kind]:
    """What was given out before it failed, and why it did."""
    chunks: list[Chunk] = []
    try:
        for part in received:
            chunks.extend(from_.feed(part))
        chunks.extend(from_.end())
    except Failure as failure:
        return chunks, failure.kind
    raise AssertionError("it did not fail")


def text(chunks: list[Chunk]) -> str:
    return str(completion(chunks)["choices"][0]["message"]["content"])


@PROPERTY
@given(
    st.sampled_from(["gemini", "openai"]),
    st.booleans(),
    st.sampled_from([b"\n", b"\r\n"]),
    st.lists(st.integers(0, 3000)),
)
def test_however_the_bytes_are_cut_the_answer_is_the_same(name: str, stream: bool, end: bytes, cuts: list[int]) -> None:
    sent = body(spoken(name), end)
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    chunks = read(made(name, stream=stream), *(sent[start:stop] for start, stop in pairwise(places)))
    reply = completion(chunks)
    assert text(chunks) == "".join(WORDS)
    assert (reply["choices"][0]["finish_reason"], reply["usage"]["completion_tokens"]) == ("stop", len(WORDS))
    assert len([chunk for chunk in chunks if chunk is not TICK]) == 1 or stream


@both
def test_a_gathered_answer_ticks_when_it_says_something_and_comes_once_it_is_complete(name: str) -> None:
    gathered = made(name, stream=False)
    events = [b": still here\n\n" + body([event]) for event in [b"", *spoken(name)]]
    said = [list(gathered.feed(event)) for event in events]
    if name == "openai":  # the role says nothing, nor does the finish reason
        assert said[:-2] == [[], [], *[[TICK]] * len(WORDS), []]
        assert (len(said[-2]), said[-1]) == (1, [])
    else:
        assert said[:-1] == [[], *[[TICK]] * (len(WORDS) - 1)]
        assert text(said[-1]) == "".join(WORDS)
    assert list(gathered.end()) == []


def test_ticks_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TICK_SECONDS", 3600.0)
    gathered = made("gemini", stream=False)
    assert [len(list(gathered.feed(body([event])))) for event in spoken("gemini")] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("blank", [" ", "\n\n", ""])
def test_white_space_is_no_sign_of_an_answer(blank: str) -> None:
    gathered = made("openai", stream=False)
    assert list(gathered.feed(body([orjson.dumps(openai({"content": blank}))]))) == []


@each_way
def test_without_usage_the_end_mark_is_the_end(stream: bool) -> None:
    *sent, _, done = spoken("openai")
    from_ = made("openai", stream=stream)
    chunks = [chunk for event in [*sent, done] for chunk in from_.feed(body([event]))]
    assert text(chunks) == "".join(WORDS)
    assert from_.over


@each_way
def test_fewer_choices_than_were_asked_for_are_over_with_the_end_mark(stream: bool) -> None:
    from_ = made("openai", stream=stream, n=2)
    *sent, done = spoken("openai")
    chunks = [chunk for event in sent for chunk in from_.feed(body([event]))]
    assert not from_.over
    assert text([*chunks, *from_.feed(body([done]))]) == "".join(WORDS)
    assert from_.over


@both
@each_way
def test_an_end_without_a_finish_reason_is_a_cut(name: str, stream: bool) -> None:
    events = spoken(name)[: 3 if name == "openai" else -1]
    expected = Kind.UNFINISHED if stream else Kind.CUT
    assert failed(made(name, stream=stream), body(events))[1] is expected


@both
def test_what_was_gathered_of_nothing_is_empty(name: str) -> None:
    assert failed(made(name, stream=False), b": nothing\n\n") == ([], Kind.EMPTY)


@both
@each_way
def test_an_error_in_the_stream_is_raised_after_what_came_before_it(name: str, stream: bool) -> None:
    events = [*spoken(name)[:3], b'{"error": {"code": 503}}']
    chunks, kind = failed(made(name, stream=stream), body(events))
    assert kind is Kind.STREAM_ERROR
    assert len(chunks) == (3 if stream else 0)


@both
@each_way
@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("broken", [b"{", b"noise", b"[1]", b"half"], ids=str)
def test_a_malformed_event_is_passed_over_where_the_text_is_whole(
    name: str, stream: bool, place: int, broken: bytes
) -> None:
    events = spoken(name)
    broken = events[place][: len(events[place]) // 2] if broken == b"half" else broken
    chunks = read(made(name, stream=stream), *(body([e]) for e in [*events[:place], broken, *events[place:]]))
    assert text(chunks) == "".join(WORDS)
    assert completion(chunks)["choices"][0]["finish_reason"] == "stop"


@both
@each_way
@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 20, None], ids=str)
def test_nothing_is_given_out_that_came_after_a_hole(name: str, stream: bool, place: int, length: int | None) -> None:
    events = spoken(name)
    place += name == "openai"
    lost = events[place][: -3 if length is None else length]
    events = [*events[:place], lost, *events[place + 1 :]]
    chunks, kind = failed(made(name, stream=stream), *(body([event]) for event in events))
    assert kind is Kind.GARBAGE
    given_out = "".join(chunk.text for chunk in chunks)
    assert given_out == ("".join(WORDS[: place - (name == "openai")]) if stream else "")


@both
def test_what_is_held_back_comes_as_soon_as_the_doubt_is_over(name: str) -> None:
    events = spoken(name)
    from_ = made(name, stream=True)
    fed = [list(from_.feed(body([event]))) for event in [*events[:2], b"{", *events[2:]]]
    seen = [sum(chunk is not TICK for chunk in chunks) for chunks in fed]
    assert seen[:3] == [1, 1, 0]
    held = fed[3 : -2 if name == "openai" else -1]
    assert held and all(chunks == [TICK] for chunks in held)
    assert sum(seen) == len(events) + (0 if name == "openai" else 1) - (1 if name == "openai" else 0)


def test_a_reply_beyond_all_measure_is_refused() -> None:
    event = body([orjson.dumps(openai({"content": "x" * 5000}))])
    for stream, most in ((True, 5 * LIMIT // len(event)), (False, LIMIT // 3976 + 1)):
        _, kind = failed(made("openai", stream=stream), *[event] * most)
        assert kind is Kind.GARBAGE


def test_many_small_events_are_an_answer_all_the_same() -> None:
    words = ["word "] * 2000
    events = body(spoken("openai", words))
    assert LIMIT < len(events) < 4 * LIMIT
    assert text(read(made("openai", stream=False), events)) == "".join(words)

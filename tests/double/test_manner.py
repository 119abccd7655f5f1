"""The double goes on with an answer whose beginning it is given, in the manner that is set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.double.client import Double, DoubleError
from tests.double.manner import CANON, Manner

ANSWER = "w1 w2 w3 w4 w5 w6"
USER: dict[str, Any] = {"role": "user", "content": "[[words:6]]"}
GO_ON = {"role": "user", "content": "Go on exactly where you stopped."}
BOTH_WIRES = pytest.mark.parametrize("wire", ["openai", "gemini"])


@pytest.fixture(scope="module")
def running() -> Iterator[Double]:
    with Double.start() as double:
        yield double


@pytest.fixture
def double(running: Double) -> Double:
    running.reset()
    return running


def begun(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def post(double: Double, wire: str, messages: list[dict[str, Any]], **options: Any) -> httpx.Response:
    if wire == "openai":
        body = {"model": "m", "messages": messages, **options}
        return httpx.post(f"{double.openai_base}/chat/completions", json=body, headers={"Authorization": "Bearer k"})
    roles = {"assistant": "model"}
    contents = [{"role": roles.get(m["role"], m["role"]), "parts": [{"text": m["content"]}]} for m in messages]
    verb = "streamGenerateContent?alt=sse" if options.get("stream") else "generateContent"
    return httpx.post(
        f"{double.gemini_base}/models/m:{verb}", json={"contents": contents}, headers={"x-goog-api-key": "k"}
    )


def said(double: Double, wire: str, messages: list[dict[str, Any]]) -> str:
    body = post(double, wire, messages).json()
    if wire == "openai":
        return str(body["choices"][0]["message"]["content"])
    return "".join(part["text"] for part in body["candidates"][0]["content"].get("parts", []))


def pieces(response: httpx.Response) -> list[str]:
    found = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    if "candidates" in found[0]:
        return [part["text"] for event in found for part in event["candidates"][0]["content"].get("parts", [])]
    return [piece for event in found if (piece := event["choices"][0]["delta"].get("content"))]


@BOTH_WIRES
@pytest.mark.parametrize("after", [[], [GO_ON]], ids=["prefill", "instruction"])
@pytest.mark.parametrize(
    ("continuation", "beginning", "rest"),
    [
        ("continue", "w1 w2", " w3 w4 w5 w6"),
        ("continue", "w1 w2 ", "w3 w4 w5 w6"),
        ("continue", "w1 w2 w", "3 w4 w5 w6"),
        ("restart", "w1 w2", ANSWER),
        ("repeat:1", "w1 w2", "w2 w3 w4 w5 w6"),
        ("repeat:2", "w1 w2 w", "w2 w3 w4 w5 w6"),
        ("repeat:9", "w1 w2", ANSWER),
        ("repeat:0", "w1 w2", " w3 w4 w5 w6"),
    ],
)
def test_it_goes_on(double: Double, wire: str, after: list[Any], continuation: str, beginning: str, rest: str) -> None:
    double.settings(continuation=continuation)
    assert said(double, wire, [USER, begun(beginning), *after]) == rest


@BOTH_WIRES
def test_ignore_answers_as_usual(double: Double, wire: str) -> None:
    double.settings(continuation="ignore")
    assert said(double, wire, [USER, begun("w1 w2")]) == ANSWER
    assert "Go on exactly" in said(double, wire, [USER, begun("w1 w2"), GO_ON])


@BOTH_WIRES
@pytest.mark.parametrize(
    "history",
    [
        [USER, begun(ANSWER)],
        [USER, begun("w2 w3")],
        [USER, begun("")],
        [USER, begun("Certainly.")],
        [{"role": "user", "content": "[[echo]] hi"}, begun("[[echo]] hi")],
    ],
    ids=["whole", "no prefix", "empty", "other", "echo"],
)
def test_a_conversation_is_no_continuation(double: Double, wire: str, history: list[Any]) -> None:
    double.settings(continuation="restart")
    assert said(double, wire, [*history, {"role": "user", "content": "[[say:thanks]]"}]) == "thanks"


@BOTH_WIRES
def test_after_a_whole_answer_nothing_is_left_to_say(double: Double, wire: str) -> None:
    response = post(double, wire, [USER, begun(ANSWER)])
    assert response.status_code == 200
    assert said(double, wire, [USER, begun(ANSWER)]) == ""


@BOTH_WIRES
def test_prefill_can_be_refused(double: Double, wire: str) -> None:
    double.settings(prefill="refuse")
    double.script("any", "reset")
    refused = post(double, wire, [USER, begun("w1 w2")])
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["code"] == "invalid_prefill" if wire == "openai" else error["status"] == "INVALID_ARGUMENT"
    assert double.calls()[0]["fault"] == "prefill_refused"
    double.script("any", "reset", then="ok", seconds=0)
    assert said(double, wire, [USER, begun("w1 w2"), GO_ON]) == " w3 w4 w5 w6"


@BOTH_WIRES
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_any_size(double: Double, wire: str, size: int) -> None:
    double.settings(piece_chars=size)
    sent = pieces(post(double, wire, [{"role": "user", "content": "[[canon]]"}], stream=True))
    assert "".join(sent) == CANON
    assert {len(piece) for piece in sent[:-1]} <= {size}


def test_the_canonical_answer_has_sixty_words_and_long_letters() -> None:
    assert len(CANON.split()) == 60
    assert max(len(letter.encode()) for letter in CANON) >= 3


def test_limits_hold_for_what_is_continued(double: Double) -> None:
    whole = [USER, begun("w1"), GO_ON]
    cut = post(double, "openai", whole, max_tokens=2).json()["choices"][0]
    assert (cut["message"]["content"], cut["finish_reason"]) == (" w2 w3", "length")
    stopped = post(double, "openai", whole, stop=["w4"]).json()["choices"][0]
    assert (stopped["message"]["content"], stopped["finish_reason"]) == (" w2 w3 ", "stop")


def test_reset_puts_the_manner_back(double: Double) -> None:
    changed = double.settings(continuation="repeat:3", prefill="refuse", piece_chars=2, latency_ms=1)
    assert changed["continuation"] == "repeat:3"
    double.reset()
    back = double.settings(latency_ms=0)
    assert (back["continuation"], back["prefill"], back["piece_chars"]) == ("continue", "take", 0)


def test_an_unknown_continuation_is_refused(double: Double) -> None:
    with pytest.raises(DoubleError, match="none of continue, restart, ignore, repeat:N"):
        double.settings(continuation="perhaps")
    with pytest.raises(ValueError, match="'repeat:'"):
        Manner(continuation="repeat:")


@BOTH_WIRES
def test_a_fault_for_some_seconds(double: Double, wire: str) -> None:
    double.script(wire, {"kind": "status", "status": 503}, then="repeat", seconds=0.4)
    ends = time.monotonic() + 0.4
    seen: list[int] = []
    while not seen or (seen[-1] != 200 and len(seen) < 200):
        seen.append(post(double, wire, [USER]).status_code)
        time.sleep(0.02)
    assert seen[0] == 503 and seen[-1] == 200
    assert time.monotonic() >= ends - 0.05


@BOTH_WIRES
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_new_faults(double: Double, wire: str, stream: bool) -> None:
    double.script(wire, {"kind": "mistyped"}, {"kind": "no_finish", "after_words": 2})
    healthy = post(double, wire, [USER], stream=stream)
    assert healthy.headers["content-type"] == "text/plain"
    assert "w6" in healthy.text
    ended = post(double, wire, [USER], stream=stream)
    assert "w2" in ended.text
    assert "w3" not in ended.text


@BOTH_WIRES
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_stall_can_close(double: Double, wire: str, stream: bool) -> None:
    double.script(wire, {"kind": "stall", "seconds": 0.05, "close": True})
    with pytest.raises(httpx.RemoteProtocolError):
        post(double, wire, [USER], stream=stream)

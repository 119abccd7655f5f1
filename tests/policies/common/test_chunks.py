from __future__ import annotations

from gateway.contract import Chunk
from policies.common.chunks import saying
from tests.support.fakes import piece


def test_only_the_first_choice_s_text_is_another() -> None:
    other = piece("other", index=1).data["choices"][0]
    chunk = Chunk({"id": "c", "choices": [piece("a", role="assistant").data["choices"][0], other]}, {"note": 1})
    made = saying(chunk, "b")
    assert (made.text, made.finish, made.notes, made.data["id"]) == ("b", None, {"note": 1}, "c")
    assert made.data["choices"][0]["delta"]["role"] == "assistant"
    assert made.data["choices"][1] == other
    assert chunk.text == "a"


def test_an_end_stays_or_is_set() -> None:
    assert saying(piece("a", "length"), "b").finish == "length"
    assert saying(piece("a"), "b", finish="stop").finish == "stop"

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.recital import WORDS, Gate, folded, instructions, recites, watches
from tests.support.fakes import PROPERTY

PROMPT = "You are Ivy, the assistant of a small sales team. <b>Never</b> promise a discount, whatever they say."
ROW = [
    "You",
    "are",
    "Ivy",
    "the",
    "assistant",
    "of",
    "a",
    "small",
    "sales",
    "team",
    "Never",
    "promise",
    "a",
    "discount",
]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (ROW[:WORDS], True),
        (ROW[: WORDS - 1], False),
        (["You are Ivy, the", "assistant of a small sales team"], True),
        (["You are Ivy", "no", "the assistant of a small", "sales"], False),
        (["of a small SALES team: never&nbsp;promise", "a<br>discount"], True),
        (["You<br>are<br/>Ivy<p>the&#32;assistant", "of a small", "sales"], True),
        ([], False),
        ([""], False),
    ],
)
def test_texts_in_a_row_recite(texts: list[str], expected: bool) -> None:
    assert recites(texts, ["Be kind.", PROMPT]) is expected
    assert not recites(texts, []) and not recites(texts, ["Be kind."])


@pytest.mark.parametrize("size", [4, 5, 12])
def test_as_many_words_as_are_said_are_a_recital(size: int) -> None:
    assert [recites(ROW[:length], [PROMPT], size) for length in (size - 1, size)] == [False, True]


@pytest.mark.parametrize(
    ("params", "texts"),
    [
        ({}, []),
        ({"messages": None}, []),
        ({"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]}, ["a"]),
        ({"messages": [{"role": "developer", "content": None}]}, [""]),
        ({"messages": [{"role": "system", "content": [{"text": "a"}, {"type": "x"}, {"text": "b"}]}]}, ["a\n\nb"]),
    ],
)
def test_what_instructs_is_found(params: Mapping[str, Any], texts: list[str]) -> None:
    assert list(instructions(params)) == texts


@pytest.mark.parametrize("begun", ["<", "</l", "<br", "<br ", "&", "&nb", "&#1", "Yo"])
def test_what_may_be_markup_or_a_word_is_held_until_it_is_known(begun: str) -> None:
    gate = Gate(watches([PROMPT]))
    assert gate.hear(f"Well {begun}") == "Well "
    assert gate.hear(" xx, ") == f"{begun} xx, "
    assert gate.hear("x", last=True) == "x" and not gate.recital


@pytest.mark.parametrize("tag", ["<br>", "</li>", "&nbsp;", "&#x20;"])
def test_markup_that_comes_in_pieces_is_no_word(tag: str) -> None:
    gate = Gate(watches([PROMPT]))
    assert "".join(gate.hear(character) for character in tag.join(ROW[:9])) == ""
    assert gate.hear("", last=True) == "" and gate.recital


LETTERS = st.text(st.characters(categories=["L", "N", "M"]), max_size=8)


@PROPERTY
@given(LETTERS, LETTERS)
def test_a_word_s_beginning_is_the_beginning_of_what_is_compared(first: str, second: str) -> None:
    assert folded(first + second) == folded(first) + folded(second)


@pytest.mark.parametrize("text", ["<" * 100_000, "&#" * 50_000, "<b" * 50_000, "<br>" * 25_000, "You " * 25_000])
def test_a_hostile_text_costs_little(text: str) -> None:
    started = time.process_time()
    assert not recites([text], [PROMPT])
    gate = Gate(watches([PROMPT]))
    for character in text[:20_000]:
        gate.hear(character)
    assert time.process_time() - started < 5


WORDS_OF_A_PROMPT = [f"{letter}{number}" for number in range(9) for letter in ("never", "a", "tell", "of", "word")]


@PROPERTY
@given(
    st.integers(0, len(WORDS_OF_A_PROMPT) - 8), st.integers(2, 8), st.lists(st.sampled_from(["x", "a1", "of2", "y"]))
)
def test_heard_at_once_or_word_by_word_a_recital_is_one(start: int, size: int, before: list[str]) -> None:
    prompt = " ".join(WORDS_OF_A_PROMPT)
    text = " ".join([*before, *WORDS_OF_A_PROMPT[start : start + size], "y"])

    def recital(pieces: list[str]) -> bool:
        gate = Gate(watches([prompt], 6))
        for number, piece in enumerate(pieces, 1):
            gate.hear(piece, last=number == len(pieces))
            if gate.recital:
                return True
        return False

    assert recital([text]) == recital(re.split("(?<= )", text)) == recital([*text]) == (size >= 6)

from __future__ import annotations

import pytest

from gateway.upstream.failures import Failure, Kind
from gateway.upstream.preface import WINDOW, Preface

TAIL = "quick brown fox jumps over the"
CASES = [
    # the continuation, what of it is given on
    ("quick brown fox jumps over the lazy dog", "fox jumps over the lazy dog"),
    ("fox jumps over the lazy dog", "fox jumps over the lazy dog"),
    ("Sure, here is the rest: quick brown fox jumps over the lazy dog", "fox jumps over the lazy dog"),
    ("**quick brown fox jumps over the** lazy dog", "fox jumps over the** lazy dog"),
    ('Of course! "fox jumps over the" lazy dog', "fox jumps over the lazy dog"),
    ("\u201cfox jumps over the\u201d lazy dog", "fox jumps over the lazy dog"),
    ("*fox jumps over the* lazy dog", "fox jumps over the lazy dog"),
    ("```\nfox  jumps\nover the lazy dog", "fox  jumps\nover the lazy dog"),
    (" lazy dog", " lazy dog"),
    ("", ""),
]


@pytest.mark.parametrize(("continuation", "given"), CASES)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_stands_before_the_last_words_is_left_out(continuation: str, given: str, size: int) -> None:
    preface = Preface(TAIL)
    pieces = [continuation[at : at + size] for at in range(0, len(continuation), size)]
    assert "".join(map(preface.add, pieces)) + preface.end(cut=False) == given


def test_it_is_not_looked_for_for_long() -> None:
    preface = Preface(TAIL)
    text = "x" * (WINDOW - 1)
    assert preface.add(text) == ""
    assert preface.add("yz") == text + "yz"
    assert preface.add("fox jumps over the") == "fox jumps over the"
    assert preface.end(cut=False) == ""


@pytest.mark.parametrize("tail", ["", "the", "a b c", "\u4e00"])
def test_words_that_tell_nothing_are_not_looked_for(tail: str) -> None:
    preface = Preface(tail)
    text = f"before {tail} after"
    assert preface.add(text) + preface.end(cut=False) == text


@pytest.mark.parametrize("heard", ["quick", "quick brown fox jumps over"])
def test_to_stop_within_them_is_no_continuation(heard: str) -> None:
    preface = Preface(TAIL)
    assert preface.add(heard) == ""
    with pytest.raises(Failure) as caught:
        preface.end(cut=False)
    assert caught.value.kind is Kind.DIVERGED
    preface = Preface(TAIL)
    preface.add(heard)
    assert preface.end(cut=True) == ""


def test_to_say_all_of_them_and_no_more_is_one() -> None:
    preface = Preface(TAIL)
    assert preface.add(TAIL) + preface.end(cut=False) == "fox jumps over the"

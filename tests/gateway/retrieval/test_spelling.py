"""Which words of a query are taken for misspelt, and what for."""

from __future__ import annotations

import pytest

from gateway.retrieval.spelling import spelt, unknown, words

TEXTS = ["Renewal of the Café's contract", "They discussed it at length"]


def test_only_words_that_no_text_holds_are_unknown() -> None:
    asked = ["renewing", "cafe", "contrakts", "E501", "abc", "of", "discount"]
    assert unknown(asked, TEXTS) == ["contrakts", "discount"]


def test_the_longest_few_are_looked_for() -> None:
    assert unknown(["aaaa", "bbbbbb", "ccccc", "ddddddd", "aaaa"], TEXTS) == ["ddddddd", "bbbbbb", "ccccc"]


@pytest.mark.parametrize(
    ("word", "found"),
    [("contrakt", "contract"), ("discused", "discussed"), ("lenght", "length"), ("discussed", None), ("zebra", None)],
)
def test_a_word_is_spelt_as_the_texts_spell_it(word: str, found: str | None) -> None:
    assert spelt(word, TEXTS) == found


def test_words_are_named_once_and_are_what_can_be_sent() -> None:
    assert words("a b, a; \ud800c -- d'e", 4) == ["a", "b", "c", "d"]
    assert words("?!", 4) == []

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.words import ENDS, fold, tokenise, words
from tests.support.fakes import PROPERTY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What's the NEXT-best action?", "what the next best action ?"),
        ("Anna\u2019s leads' profile", "anna leads profile"),
        ("don\u2019t dON't don`t don\u00b4t don\uff07t", "don't don't don't don't don't"),
        ("O'Brien 'quoted' rock'n'roll", "o'brien quoted rock'n'roll"),
        ("**bold** `code` snake_case [link](x)", "bold code snake case link x"),
        ("3.5 1,000 example.com yes,no", "3 5 1 000 example com yes , no"),
        ("a - b -- c\u2014d\u2013e well-known", "a - b - c \u2014 d \u2013 e well known"),
        ("One. Two! Three? Four; five: six", "one . two ! three ? four ; five : six"),
        # What reads alike.
        ("R\u0130SK \u0130stanbul", "risk istanbul"),
        ("\uff32\uff29\uff33\uff2b\uff1f", "risk ?"),
        ("\U0001d42b\U0001d422\U0001d42c\U0001d424 \u24e1\u24d8\u24e2\u24da", "risk risk"),
        ("\ufb01nd o\ufb00er", "find offer"),
        ("ri\u00adsk\u200bs \ufeff\u2060ri\u200dsk\u202e", "risks risk"),
        ("r\u0336i\u0337s\u0338k\u0336", "risk"),
        ("e\u0301cole \u00c9COLE", "\u00e9cole \u00e9cole"),
        ("Stra\u00dfe STRASSE", "strasse strasse"),
        ("\u039a\u038a\u039d\u0394\u03a5\u039d\u039f\u03a3 \u03ba\u03af\u03bd\u03b4\u03c5\u03bd\u03bf\u03c2", None),
        # Other scripts.
        ("\u0440\u0438\u0441\u043a\u0438, \u0434\u0430", "\u0440\u0438\u0441\u043a\u0438 , \u0434\u0430"),
        ("\u0645\u0627\u061f \u0646\u0639\u0645\u060c", "\u0645\u0627 \u061f \u0646\u0639\u0645 \u060c"),
        ("\u0928\u092e\u0938\u094d\u0924\u0947\u0964", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0964"),
        ("\u98ce\u9669\uff1fab\u30ea\u30b9\u3002", "\u98ce \u9669 ? ab \u30ea \u30b9 \u3002"),
        ("\uc704\ud5d8\uc774 \ubb50", "\uc704\ud5d8\uc774 \ubb50"),
        ("\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 1\ufe0f\u20e3", "1"),
        ("", ""),
        (" \t\u3000", ""),
    ],
)
def test_a_text_is_words_and_the_ends_of_clauses(text: str, expected: str | None) -> None:
    if expected is None:
        assert len(set(tokenise(text))) == 1
    else:
        assert tokenise(text) == expected.split()


def test_words_are_without_the_ends() -> None:
    assert words("Show, please: the risks!") == ["show", "please", "the", "risks"]


@PROPERTY
@given(st.text())
def test_every_token_is_a_word_or_an_end(text: str) -> None:
    for token in tokenise(text):
        assert token in ENDS or (token == fold(token).strip() and not set(token) & set(" \t\n_-.,;:!?"))


@PROPERTY
@given(st.text(), st.text())
def test_a_line_between_two_texts_keeps_them_apart(first: str, second: str) -> None:
    assert words(f"{first}\n{second}") == [*words(first), *words(second)]


@pytest.mark.parametrize(
    "piece",
    ["a", "a ", "a'", "'", "-", " -", ".", "a\u0315\u0300\u0316", "\u0316\u0300", "\u98ce", "\u200b", "\ufdfa", "_"],
)
def test_the_cost_grows_with_the_length_only(piece: str) -> None:
    """Quadratic work on 200,000 characters would take minutes; the bound is in processor time."""
    began = time.process_time()
    tokenise((piece * 200_000)[:200_000])
    assert time.process_time() - began < 10

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.plain import DEEPEST, LONGEST, MOST, clipped, in_words, number, one_line
from tests.support.fakes import PROPERTY

TOKEN = re.compile(r"\d+(?:[.,]\d+)*")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(alphabet="0123456789., k\n"),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner, max_size=8),
    max_leaves=60,
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Maya Lin", "Maya Lin"),
        ("  Maya \n\t Lin ", "Maya Lin"),
        ("one\u2028two\x00three\u202efour", "one two three four"),
        ("half \ud800 a pair", "half a pair"),
        ("hi\U000e0069\U000e0067 there", "hi there"),
        ("família 家族 👩‍👩‍👧", "família 家族 👩‍👩‍👧"),
        ("", None),
        (" \n\u200b ", None),
        (None, None),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (-5, "-5"),
        (82.0, "82.0"),
        (0.25, "0.25"),
        (1e21, None),
        (1e-9, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, "1" + "0" * 30),
        pytest.param(10**5000, None, id="a number of 5000 digits"),
        (["a", None, "", 1, True], "a, 1, yes"),
        (("a", "b"), "a, b"),
        ([], None),
        ([[], {}, [None]], None),
        ({"leadScore": 7, "next_step": "call", "Owner": None}, "lead score: 7; next step: call"),
        ({"a": {"b": "c", "d": [1, 2]}}, "a: (b: c, d: 1, 2)"),
        ({1: "a", "": "b"}, "?: b"),
        (b"bytes", None),
        (object(), None),
    ],
)
def test_a_value_in_words(value: Any, said: str | None) -> None:
    assert in_words(value) == said


def test_what_is_too_deep_is_left_out() -> None:
    value: Any = "deep"
    for _ in range(DEEPEST + 1):
        value = [value]
    assert in_words(value) == "deep"
    assert in_words([value]) is None
    for _ in range(5000):
        value = {"a": value}
    assert in_words(value) is None


def test_a_value_that_holds_itself_ends() -> None:
    value: list[Any] = ["a"]
    value.append(value)
    said = in_words(value)
    assert said is not None and len(said) <= LONGEST


def test_of_many_elements_the_first_are_said_and_that_there_are_more() -> None:
    said = in_words([f"item {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"])
    assert said is not None
    assert said.count("item") == MOST and said.endswith("item j, …")


@pytest.mark.parametrize(
    ("line", "longest", "kept"),
    [
        ("short", 5, "short"),
        ("two words", 8, "two…"),
        ("two words more", 13, "two words…"),
        ("unbreakable", 6, "unbre…"),
        ("about 12345", 9, "about…"),
        ("x12345", 4, "x…"),
        ("123456789", 4, ""),
        ("over 5 million now", 8, "over…"),
        ("over 1 234 567 now", 12, "over…"),
        ("worth 50 % now", 9, "worth…"),
        ("in May 5 came", 9, "in May 5…"),
    ],
)
def test_a_clipped_line_ends_with_a_word_and_no_half_number(line: str, longest: int, kept: str) -> None:
    assert clipped(line, longest) == kept


def test_a_huge_text_is_clipped_without_half_a_number() -> None:
    for spaces in (*range(4 * LONGEST - 8, 4 * LONGEST + 2), 10**6):
        assert set(TOKEN.findall(one_line("x" + " " * spaces + "12345"))) <= {"12345"}
    assert len(one_line("word " * 10**6)) <= LONGEST


@PROPERTY
@given(st.text(alphabet="ab 0123456789.,%\n\x00é家", max_size=80), st.integers(min_value=1, max_value=60))
def test_no_text_gets_longer_than_asked_or_a_number_of_its_own(text: str, longest: int) -> None:
    said = one_line(text, longest)
    assert len(said) <= longest
    assert said.isprintable()
    assert set(TOKEN.findall(said)) <= set(TOKEN.findall(text))


@PROPERTY
@given(JSON)
def test_nothing_raises_and_every_number_is_the_value_s(value: Any) -> None:
    said = in_words(value)
    assert said is None or (0 < len(said) <= LONGEST and "\n" not in said)
    known = re.sub(r"[\x00-\x1f]", " ", "\n".join(_leaves(value)))
    assert set(TOKEN.findall(said or "")) <= set(TOKEN.findall(known))


@PROPERTY
@given(st.floats())
def test_a_number_is_written_as_json_writes_it_or_not_at_all(value: float) -> None:
    assert number(value) in (None, json.dumps(value))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for pair in value.items() for part in pair for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value if isinstance(value, str) else json.dumps(value)]

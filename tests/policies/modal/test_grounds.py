from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.modal.grounds import Grounds
from tests.support.fakes import PROPERTY

NAIVE = re.compile(r"\d+(?:[.,]\d+)*")
FACTS = {
    "score": 82.0,
    "seats": 1234,
    "share": 0.4,
    "won": "5 million since 2025-01-05",
    "text": "1,500 seats for twelve users, ½ a day, twenty-five calls",
    "q3": {"huge": 1e21, "vast": 10**400, "flag": True},
    "raw": "a\u00007b",
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No number at all", "No number at all"),
        ("Score 82.0", "Score 82.0"),
        ("Score 82", "Score 82.0"),
        ("82.00!", "82.0!"),
        ("82%", "82.0%"),
        ("40%", "0.4"),
        ("1234 and 1,234 and 1 234", "1234 and 1234 and 1234"),
        ("£1500", "£1,500"),
        ("$5,000,000", "$5 million"),
        ("5 million", "5 million"),
        ("$5m", "$5 million"),
        ("on 1 May 2025", "on 01 May 2025"),
        ("12 users", "twelve users"),
        ("a dozen users", "a dozen users"),
        ("twelve", "twelve"),
        ("25 calls", "twenty-five calls"),
        ("½ a day", "½ a day"),
        ("0.5 days", "½ days"),
        ("\u0668\u0662", "82.0"),
        ("\uff18\uff12", "82.0"),
        ("in Q3", "in Q3"),
        ("one of them", "one of them"),
        ("83", None),
        ("8", None),
        ("82.5", None),
        ("two", None),
        ("a hundred", None),
        ("5 thousand", None),
        ("¾", None),
        ("②", None),
        ("1e21", None),
        ("7", None),
        ("Score 82, then 83", None),
        ("40%5", None),
    ],
)
def test_a_text_with_the_numbers_of_the_facts(text: str, said: str | None) -> None:
    assert Grounds(FACTS).text(text) == said


def test_a_fraction_that_the_facts_write_in_digits_is_written_so() -> None:
    assert Grounds({"share": 0.5}).text("½ of it") == "0.5 of it"
    assert Grounds({"share": 0.5}).text("2½") is None


@pytest.mark.parametrize(
    ("number", "value"),
    [(82, 82.0), (82.0, 82.0), (1234.0, 1234), (0.4, 0.4), (-82, None), (83, None), (12, None), (2025, 2025), (5.0, 5)],
)
def test_a_number_of_json_as_the_facts_write_it(number: float, value: float | None) -> None:
    found = Grounds(FACTS).value(number)
    assert found == value and type(found) is type(value)


def test_several_facts_count_together_and_none_is_fine() -> None:
    grounds = Grounds({"a": 1}, [{"similarity_score": 0.78}], None)
    assert grounds.text("1 or 0.78") == "1 or 0.78"
    assert Grounds().text("none") == "none" and Grounds().text("7") is None


def test_two_facts_never_make_one_number() -> None:
    grounds = Grounds(["1", "234", "5", "million", "twenty", "five"])
    assert Grounds([1, 234]).text("1,234") is None
    assert grounds.text("1,234") is None and grounds.text("5 million") is None and grounds.text("25") is None


def test_what_lies_beyond_the_bounds_is_not_known() -> None:
    deep: Any = 7
    for _ in range(5000):
        deep = [deep]
    assert Grounds(deep).knows("7")
    assert Grounds(["x" * 2_000_000, 7]).knows("7")
    assert not Grounds(["x" * 2_000_000 + " 7"]).knows("7")
    assert not Grounds([*["x" * 40_000] * 50, 7]).knows("7")
    assert not Grounds(["x" * 49_990 + " 1234567890123"]).knows("123456")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
SAID = st.lists(
    st.sampled_from(["1", "82", "1,234", " ", "½", "two", "million", "%", ".", "k", "-", "٣", "x", "5", "\u00a0"])
).map("".join)


@PROPERTY
@given(JSON, SAID)
def test_no_text_holds_a_number_that_the_facts_json_lacks(facts: Any, text: str) -> None:
    said = Grounds(facts).text(text)
    known = set(NAIVE.findall(json.dumps(facts, ensure_ascii=False)))
    assert said is None or set(NAIVE.findall(json.dumps(said, ensure_ascii=False))) <= known


@PROPERTY
@given(
    st.lists(st.integers(min_value=0) | st.floats(min_value=0, max_value=1e15)), st.integers(min_value=0, max_value=9)
)
def test_every_plain_number_of_the_facts_may_be_said(numbers: list[float], pick: int) -> None:
    plain = [number for number in numbers if "e" not in json.dumps(number)]
    for number in plain[pick : pick + 1]:
        assert Grounds(numbers).text(f"It is {json.dumps(number)}.") == f"It is {json.dumps(number)}."
        assert Grounds(numbers).value(number) == number

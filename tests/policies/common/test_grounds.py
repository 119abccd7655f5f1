from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.grounds import Grounds
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
        ("82.0% sure", "82.0% sure"),
        ("Score 82", None),
        ("82.00!", None),
        ("40%", None),
        ("0.4", "0.4"),
        ("1234 and 1,234, $1,234.00", "1234 and 1234, $1234"),
        ("1 234", None),
        ("1.234", None),
        ("\u0661\u0662\u0663\u0664", "1234"),
        ("\uff11\uff12\uff13\uff14", "1234"),
        ("\u00a31,500", "\u00a31,500"),
        ("1500", None),
        ("$5,000,000", None),
        ("5 million", "5 million"),
        ("$5m", "$5m"),
        ("5 thousand", None),
        ("on 05 May 2025", "on 05 May 2025"),
        ("on 1 May 2025", None),
        ("on 01.05.2025", None),
        ("12 users", None),
        ("a dozen users", "a dozen users"),
        ("Twelve", "Twelve"),
        ("twenty-five", "twenty-five"),
        ("\u00bd a day", "\u00bd a day"),
        ("0.5 days", None),
        ("in Q3", "in Q3"),
        ("3", "3"),
        ("one of them", "one of them"),
        ("a thousand two hundred and thirty four", "a thousand two hundred and thirty four"),
        ("83", None),
        ("8", None),
        ("82.5", None),
        ("two", None),
        ("a hundred", None),
        ("\u00be", None),
        ("\u2461", None),
        ("1e21", None),
        ("7", None),
        ("Score 82.0, then 83", None),
    ],
)
def test_a_text_with_the_numbers_of_the_facts(text: str, said: str | None) -> None:
    assert Grounds(FACTS).text(text) == said


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ("2026-03-01", "1 hour before"),
        ("2026-03-01", "3 March"),
        ("2026-03-01", "Phase 1"),
        ("2026-03-01", "Top-3"),
        ("2026-03-01", "100% committed"),
        ("2026-02-01", "two"),
        (5, "500% growth expected"),
        (0.5, "50% likely"),
        (0.5, "\u00bd of it"),
        (3.0, "Q3 plan"),
        (3.0, "3rd call"),
        (3.0, "Top-3"),
        (3.0, "3"),
        (1200, "1 200"),
        (1200, "1.200"),
        (1200, "A1,200"),
        (1200, "Top-1,200"),
        (1200, "1,200th"),
        (1200, "1,200-fold"),
        (1, "1.000"),
        ("3.0", "3.0.0"),
        ("2,025 seats", "in 2025"),
        (1, "01"),
        (5_000_000, "$5m"),
    ],
)
def test_what_can_t_be_said_as_it_is_is_not_said(facts: Any, text: str) -> None:
    assert Grounds(facts).text(text) is None


@pytest.mark.parametrize(
    ("facts", "text", "said"),
    [
        (1200, "1,200", "1200"),
        (1200, "(\u20ac1.200,00)", "(\u20ac1200)"),
        (1200.5, "1.200,5", "1200.5"),
        (1_234_567, "1.234.567 or 12,34,567", "1234567 or 1234567"),
        ("1,200", "1,200.00", "1,200"),
        ([1000, 2000], "1,000-2,000", "1000-2000"),
        (82, "82.0", "82"),
        ("\u0668\u0662", "82", "\u0668\u0662"),
        (["\u0668\u0662", 82], "\uff18\uff12", "82"),
        ("3 calls", "Q3, 3rd, Top-3, 3%", "Q3, 3rd, Top-3, 3%"),
    ],
)
def test_the_same_number_in_another_notation_is_said_as_the_facts_do(facts: Any, text: str, said: str) -> None:
    assert Grounds(facts).text(text) == said


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
    for _ in range(3000):
        deep = [deep]
    assert Grounds(deep).knows("7")
    assert Grounds(["x" * 2_000_000, 7]).knows("7")
    assert not Grounds(["x" * 2_000_000 + " 7"]).knows("7")
    assert not Grounds([*["x" * 40_000] * 50, 7]).knows("7")
    assert Grounds([list(range(10, 1_000_000)), {"lead": {"score": 7}}]).knows("7")
    assert not Grounds([[]] * 1_000_000 + [7]).knows("7")
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


@PROPERTY
@given(JSON, SAID)
def test_no_more_changes_in_a_text_than_separators_zeros_and_the_script(facts: Any, text: str) -> None:
    said = Grounds(facts).text(text)
    if said is None:
        return
    assert NAIVE.sub("", said) == NAIVE.sub("", text)
    for after, before in zip(NAIVE.findall(said), NAIVE.findall(text), strict=True):
        assert len(after) <= len(before)
        digits = [
            int("".join(filter(str.isdecimal, token.removesuffix(".0").removesuffix(".00"))))
            for token in (after, before)
        ]
        assert digits[0] == digits[1] or after == before

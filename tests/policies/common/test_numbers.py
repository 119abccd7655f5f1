from __future__ import annotations

from decimal import Decimal

import pytest

from policies.common.numbers import NUMBER, forms, numeral, values


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("82", [{82}]),
        ("82.50", [{82.5}]),
        ("1,234", [{1234, 1.234}]),
        ("1.234", [{1234, 1.234}]),
        ("0.123", [{0.123}]),
        ("1,234.5", [{1234.5}]),
        ("1.234,5", [{1234.5}]),
        ("1,234,567", [{1234567}]),
        ("12,34,567", [{1234567}]),
        ("1,2,3", [set()]),
        ("1 234", [{1}, {234}]),
        ("2025-01-05", [{2025}, set(), set()]),
        ("0", [{0}]),
        ("5k", [{5000}]),
        ("2.5M", [{2_500_000}]),
        ("3bn", [{3 * 10**9}]),
        ("5 km", [{5}]),
        ("5m", [{5_000_000}]),
        ("5 min", [{5}]),
        ("5 million", [{5_000_000}]),
        ("3 dozen", [{36}]),
        ("40%", [{40}]),
        ("\u0664\u0662", [{42}]),
        ("\uff18\uff12", [{82}]),
        ("\u096a", [{4}]),
        ("two", [{2}]),
        ("Twenty-Five", [{25}]),
        ("two hundred and five thousand", [{205_000}]),
        ("one hundred", [{100}]),
        ("a hundred", [{100}]),
        ("dozen", [{12}]),
        ("two million three hundred", [{2_000_300}]),
        ("one", []),
        ("no one", []),
        ("once", []),
        ("often", []),
        ("tenor", []),
        ("eighteenth", []),
        ("hundreds", []),
        ("v2x", [{2}]),
        ("1" * 60, [set()]),
    ],
)
def test_what_numbers_stand_in_a_text(text: str, found: list[set[float]]) -> None:
    read = [set(values(match)) for match in NUMBER.finditer(text)]
    assert read == [{Decimal(str(value)) for value in each} for each in found]


@pytest.mark.parametrize(("character", "is_one"), [("½", True), ("²", True), ("①", True), ("Ⅳ", True), ("4", False)])
def test_a_numeral_is_a_number_and_no_digit(character: str, is_one: bool) -> None:
    assert numeral(character) is is_one
    assert not numeral("x") and not numeral("三")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("82", ["82"]),
        ("82.0", ["82.0", "82"]),
        ("82.00", ["82.00", "82"]),
        ("82.000", ["82.000"]),
        ("82.50", ["82.50"]),
        ("3.0.0", ["3.0.0"]),
        ("007", ["007"]),
        ("1,234", ["1,234", "1234"]),
        ("1,234.00", ["1,234.00", "1,234", "1234.00", "1234"]),
        ("12,34,567", ["12,34,567", "1234567"]),
        ("1.234", ["1.234"]),
        ("1.234,50", ["1.234,50", "1234.50"]),
        ("1.234.567", ["1.234.567", "1234567"]),
        ("0,123", ["0,123"]),
        ("1,2,3", ["1,2,3"]),
        ("1,23", ["1,23"]),
        ("\u0664\u0662", ["42"]),
    ],
)
def test_how_a_number_may_be_written_with_less(token: str, expected: list[str]) -> None:
    assert list(forms(token)) == expected

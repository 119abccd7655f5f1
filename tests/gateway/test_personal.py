from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Found
from gateway.personal import PersonalData
from tests.support.fakes import PROPERTY

IDENTIFIERS = {"customer_number": r"\bCN-\d{6}\b", "kürzel": r"Kü-[a-zäöü]{3}", "fallzahl": "№ ?[0-9]{4}"}
PERSONAL = PersonalData(IDENTIFIERS)

EMAILS = [
    "ann@example.com",
    "ann.b+tag@mail.example.co.uk",
    "o'neil@example.org",
    "jörg@exämple.de",
    "иван@пример.рф",
    "用户@例子.公司",
    "राम@उदाहरण.भारत",
    "jo\u0308rg@example.de",
    "ann\uff20example\uff0ecom",
    f"{'a' * 100}@example.com",
]
PHONES = [
    "+1 555 123 4567",
    "555-123-4567",
    "5551234567",
    "+49 (0)30 1234 5678",
    "030/12345678",
    "+49 30 / 1234567",
    "00 44 20 7123 4567",
    "01 23 45 67 89",
    "06.12.34.56.78",
    "555-123-4567 ext. 12",
    "+1.5551234567x12",
    "555\u2013123\u20134567",
    "555\u00a0123\u00a04567",
    "\uff0b49 30 12345678",
    "+\u0664\u0669 \u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
    "555-123-4567 555-123-4568",
    "5 5 5 1 2 3 4 5 6 7",
    "+49 30.12345678",
]
OTHERS = ["CN-123456", "Kü-äöü", "№ 1234", "№1234"]
AROUND = [
    "{}",
    "at {}.",
    "<{}>",
    "({})",
    '"{}"',
    "{}: called",
    "to:{}",
    "{}, then",
    "é 😀 {} é",
    "\ud800 {} \udfff",
    "a\n{}\n",
]


def pieces(text: str, personal: PersonalData = PERSONAL) -> list[tuple[str, str]]:
    return [(text[found.start : found.end], found.kind) for found in personal.find(text)]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(
    ("secret", "kind"),
    [(secret, "email") for secret in EMAILS] + [(secret, "phone") for secret in PHONES],
)
def test_addresses_and_numbers_are_found_whole(secret: str, kind: str, around: str) -> None:
    assert pieces(around.format(secret)) == [(secret, kind)]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("secret", OTHERS)
def test_the_operator_s_identifiers_are_found(secret: str, around: str) -> None:
    names = {"C": "customer_number", "K": "kürzel", "№": "fallzahl"}
    assert pieces(around.format(secret)) == [(secret, names[secret[0]])]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 1,234,567.00, 12 345 678.90 EUR, $ 1 234 567 890, €1.234.567.890 or 123 456 789 GBP.",
        "From 2026-11-22 to 2026-12-24, 22.11.2026 - 24.12.2026, 11/22/2026 10/23/2026, 11/2026.",
        "2026-11-22 2026-11-23 2026.11.24",
        "At 2026-11-22T16:40:02.123456+01:00, 2026-11-22 16:40:02, 2026-11-22 16.40, 16:40:02.123456789",
        "12345678-1234-4123-8123-123456789012 and 550e8400-e29b-41d4-a716-446655440000",
        "At 48.137154, 11.576124 or 151.209296; 0.123456789 s; 1.5 2.5 3.5 4.5 5.5 6.5",
        "Scores: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10; 10,200,000 users in 2024-2025; 8388608 bytes; order 12345678",
        "00000000000000000000000000000001",
        "a@b, @example.com, ann@, ann@localhost, @@, a @ b.c",
        "xCN-123456, CN-1234567, Kü-ÄÖÜ",
        "",
        "\ud800",
    ],
)
def test_numbers_in_prose_are_no_phones(text: str) -> None:
    assert pieces(text) == []


@PROPERTY
@given(st.uuids(), st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2099, 12, 31)))
def test_neither_are_ids_and_times(made: uuid.UUID, moment: datetime) -> None:
    for text in (f"{made}", f"{moment.isoformat()}Z", f"{moment}", f"{moment:%d.%m.%Y %H:%M}", f"{moment:%m/%d/%Y}"):
        assert pieces(f"{text} {text}, {text}") == []


def test_an_id_that_follows_another_s_digits_is_none() -> None:
    made = "19305464-4811-122c-261f-08e6da6b0570"
    assert pieces(f"{made} {made}") == []


def test_a_number_beside_a_date_or_an_id_is_found() -> None:
    text = "2026-11-22 555-123-4567 12345678-1234-4123-8123-123456789012 555-123-4568 22.11.2026"
    assert [piece for piece, _ in pieces(text)] == ["555-123-4567", "555-123-4568"]


@pytest.mark.parametrize(
    "before", ["$500 ", "$5 ", "EUR 12.50 ", "1,200.50 EUR ", "CN-123456 ", "7.5 ", "12:30 ", "v2 ", "a-1 ", "11/2026 "]
)
@pytest.mark.parametrize(
    "phone", ["(555) 123-4567", "555-123-4567", "5551234567", "030/12345678", "+49 30.12345678", "555 123 4567"]
)
@pytest.mark.parametrize("after", ["", " $20", " €20", " 12:30", " 2026-11-22", " 7.5", " a", "."])
def test_a_number_among_others_is_not_lost(before: str, phone: str, after: str) -> None:
    text = before + phone + after
    start = len(before) + phone.startswith("(")
    end = len(before + phone)
    assert [found for found in PERSONAL.find(text) if found.start <= start and found.end >= end]


def test_a_number_at_the_start_of_a_line_within_json_is_found() -> None:
    text = json.dumps({"notes": "call\n555-123-4567\t+1 555 123 4568"})
    assert [piece for piece, _ in pieces(text)] == ["555-123-4567", "+1 555 123 4568"]


def test_the_kinds_are_the_two_and_the_identifiers() -> None:
    assert PERSONAL.kinds() == ("email", "phone", *IDENTIFIERS)


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        ({"cn": r"CN-\d+"}, "CN-123@example.com", [("CN-123@example.com", "email")]),
        ({"cn": r"\d{10}"}, "5551234567", [("5551234567", "cn")]),
        ({"a": "abc", "b": "bcd"}, "abcd", [("abc", "a"), ("d", "b")]),
        ({"a": "b", "b": "abc"}, "abc", [("abc", "b")]),
        ({"name": "Ann"}, "Ann <ann@example.com>", [("Ann", "name"), ("ann@example.com", "email")]),
    ],
)
def test_what_overlaps_is_all_covered(patterns: Mapping[str, str], text: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(text, PersonalData(patterns)) == expected


@PROPERTY
@given(
    st.lists(st.one_of(st.text(max_size=5), st.sampled_from([*EMAILS, *PHONES, *OTHERS, " ", "-", "@", "1"]))).map(
        "".join
    )
)
def test_what_is_found_is_in_order_and_apart(text: str) -> None:
    at = 0
    for found in PERSONAL.find(text):
        assert isinstance(found, Found) and found.kind in PERSONAL.kinds()
        assert at <= found.start < found.end <= len(text)
        at = found.end


@pytest.mark.parametrize("letter", ["x", "é", "😀", " "])
@pytest.mark.parametrize("length", [0, 1, 380, 384, 500, 505, 511, 512, 513, 5000])
def test_an_identifier_is_found_wherever_it_stands(letter: str, length: int) -> None:
    before = letter * length + " "
    assert PERSONAL.find(f"{before}CN-123456 {before}") == [Found(len(before), len(before) + 9, "customer_number")]
    assert pieces(letter * length + "yCN-123456") == []


@pytest.mark.parametrize(
    "text",
    ["1", "1 ", "+1 ", "a@", "a@b.c ", "a.", "@", "1.1 ", "123 456.", "12345678-", "$1 ", "é", "z", "\u0301a@", "(1)"],
)
def test_a_hostile_text_costs_its_length(text: str) -> None:
    personal = PersonalData({"greedy": "z(?:.*y)?", "long": r"(?:\w+\s?)+!"})
    started = time.process_time()
    personal.find(text * (200_000 // len(text)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "pattern", "words"),
    [
        ("case", "(", r"'case'.*missing \)"),
        ("case", r"(?<=a)b", "'case'.*RE2 can't read.*invalid perl operator"),
        ("case", r"(a)\1", "'case'.*invalid escape"),
        ("case", "a*", "'case'.*empty text"),
        ("case", "", "'case'.*empty text"),
        ("case", "^", "'case'.*empty text"),
        ("case", "\ud800", "'case'.*surrogates"),
        ("email", "a", "'email'.*taken"),
        ("Phone", "a", "'Phone'.*taken"),
        ("", "a", "1 to 40 letters"),
        ("a b", "a", "'a b'.*1 to 40 letters"),
        ("x" * 41, "a", "1 to 40 letters"),
    ],
)
def test_what_can_t_be_used_is_refused(name: str, pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PersonalData({name: pattern})


def test_a_word_s_border_is_found_to_be_nothing() -> None:
    assert pieces("some words, née 12", PersonalData({"border": r"\b"})) == []

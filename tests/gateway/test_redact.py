from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import redact
from gateway.personal import PersonalData
from tests.support.fakes import PROPERTY

EMAILS = [
    "ann@example.com",
    "ann.b+tag@mail.example.co.uk",
    "o'neil@example.org",
    "ANN_B@EXAMPLE.COM",
    "jörg@exämple.de",
    "ann@example.com/bob@example.com",
]
PHONES = [
    "+1 555 123 4567",
    "(555) 123-4567",
    "555-123-4567",
    "555.123.4567",
    "5551234567",
    "+49 (0)30 1234 5678",
    "+442071234567",
    "+45 12 34 56 78",
    "00 44 20 7123 4567",
    "555-123-4567 ext. 12",
    "+1.5551234567x12",
]
KEYS = [
    "sk-proj-AbCdEf0123456789",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "Bearer abc.def-ghi",
    "basic dXNlcjpwYXNz",
    "api_key=hunter2hunter2",
    "api-key: 'hunter2hunter2'",
    '"api_key": "hunter2hunter2"',
    "x-goog-api-key: hunter2hunter2",
    "OPENAI_API_KEY=hunter2hunter2",
    "access_token=hunter2hunter2",
    "client_secret: hunter2hunter2",
    "password=hunter2hunter2",
    "Incorrect API key provided: hunter2hunter2",
    "ghp_AbCdEf0123456789",
]
SECRET_WORDS = ("AbCdEf", "AIza", "abc.def", "dXNlcj", "hunter2")
ADDRESSES = [
    "https://api.openai.com/v1/chat",
    "HTTP://10.0.0.5:8080/x?key=1",
    "redis://user:pw@cache:6379/0",
    "generativelanguage.googleapis.com",
    "api.example.com:443/v1",
]
AROUND = ["{}", "at {}.", "<{}>", "({})", '"{}"', "{}: called", "to={}", "to:{}", "{}, then", "{}; {}"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("text", EMAILS + PHONES)
def test_people_s_addresses_and_numbers_are_taken_out(text: str, around: str) -> None:
    cleaned = redact.clean(around.format(text, text))
    assert "@" not in cleaned
    assert sum(letter.isdigit() for letter in cleaned) <= 2
    assert "example" not in cleaned.lower()


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_taken_out(key: str) -> None:
    cleaned = redact.clean(f"the provider said: {key}, so there")
    assert "[key]" in cleaned
    assert not [word for word in SECRET_WORDS if word in cleaned]


@pytest.mark.parametrize("address", ADDRESSES)
def test_servers_addresses_are_taken_out(address: str) -> None:
    cleaned = redact.clean(f"cannot reach {address} now")
    assert cleaned in ("cannot reach [url] now", "cannot reach [host] now")


HARMLESS = [
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-4123-8123-123456789012",
    "req_0123456789abcdef0123456789abcdef",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00000000000000000000000000000001",
    "2026-11-22T16:40:02.123456Z",
    "2026-11-22 16:40:02",
    "2026-11-22 16:40:02.123456789",
    "nothing came for 12.5 s",
    "try again in 37.416279341s",
    "took 0.123456789 s",
    "gpt-4o-mini-2024-07-18",
    "gemini-2.0-flash",
    "1,048,576 tokens, 8388608 bytes",
    "max_tokens: 4096, total_tokens: 123456",
    "self.communicate and foo.company",
    "access.py:60 __call__",
    "HTTP 429 of 3 attempts",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_neither_stays_as_it_is(text: str) -> None:
    assert redact.clean(text) == text
    assert redact.provider_message(text) == text
    assert redact.one_line(text) == text


@PROPERTY
@given(st.uuids())
def test_a_uuid_is_never_taken_for_a_phone_number(made: uuid.UUID) -> None:
    assert redact.clean(f"id {made}") == f"id {made}"


@PROPERTY
@given(st.text(), st.sampled_from(EMAILS + PHONES), st.text())
def test_whatever_surrounds_it_an_address_does_not_survive_whole(before: str, secret: str, after: str) -> None:
    assert f" {secret} " not in redact.clean(f"{before} {secret} {after}")


@pytest.mark.parametrize("secret", ["ann.smith@example.com", "+1 555 123 4567", "sk-ann-smith-555555555"])
def test_a_cut_leaves_no_half_of_an_address(secret: str) -> None:
    text = f"a caller's path of some length {secret} and more of it, to the very end of what may stand here"
    for limit in range(30, 60):
        for cleaned in (redact.one_line(text, limit), redact.provider_message(text, limit)):
            assert "ann" not in cleaned and "smith" not in cleaned and "555" not in cleaned
            assert len(cleaned) <= limit


@pytest.mark.parametrize("nasty", ["\n", "\r\n", "\x00", "\x1b[31m", "\x85", "\u2028", "\x9b2J"])
def test_a_line_stays_one_line(nasty: str) -> None:
    for cleaned in (redact.one_line(f"a{nasty}b"), redact.provider_message(f"a{nasty}b")):
        assert len(cleaned.splitlines()) == 1
        assert not set(cleaned) & set("\x00\x1b\x85\x9b\u2028")
        assert cleaned[0] == "a" and cleaned[-1] == "b"


def test_a_provider_s_message_is_bounded_and_says_that_it_was_cut() -> None:
    cleaned = redact.provider_message("word " * 1000)
    assert len(cleaned) <= 300
    assert cleaned.endswith("…")


@pytest.mark.parametrize("text", ["@" + "a" * 200_000, "1 " * 100_000, "a." * 100_000, "a@" * 100_000, "sk-" * 70_000])
def test_a_hostile_text_costs_little(text: str) -> None:
    started = time.process_time()
    redact.provider_message(text)
    redact.one_line(text, 2000)
    assert time.process_time() - started < 1


@pytest.fixture
def customer_numbers() -> Iterator[None]:
    redact.configure(PersonalData({"customer_number": r"CN-\d{6}", "straße": "Hauptstraße [0-9]+"}))
    yield
    redact.configure(PersonalData({}))


@pytest.mark.usefixtures("customer_numbers")
def test_configured_identifiers_are_taken_out_of_every_text() -> None:
    text = "CN-123456 of ann@example.com, Hauptstraße 12, +1 555 123 4567"
    for cleaned in (redact.clean(text), redact.one_line(text), redact.provider_message(text)):
        assert cleaned == "[customer_number] of [email], [straße], [phone]"
    for text in HARMLESS:
        assert redact.clean(text) == text


@pytest.mark.parametrize("address", ["иван@пример.рф", "用户@例子.公司", "राम@उदाहरण.भारत", "jo\u0308rg@example.de"])
def test_addresses_of_other_scripts_are_taken_out(address: str) -> None:
    assert redact.clean(f"to {address}: \ud800") == "to [email]: \ud800"

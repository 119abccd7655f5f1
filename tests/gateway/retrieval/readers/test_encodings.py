from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.readers.encodings import decode
from gateway.retrieval.types import Unreadable
from tests.support.fakes import PROPERTY

GERMAN = "Für die Größe gilt: schöne Übung \u2013 „gut“."
POLISH = "Zażółć gęślą jaźń. To jest zwykły polski tekst, który ma kilka zdań i powinien być rozpoznany."
RUSSIAN = "Привет, это обычный русский текст про продажи и клиентов, довольно длинный."
JAPANESE = "これは日本語の文章です。営業担当者は顧客に電話をかけます。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (JAPANESE, "utf-32"),
        (GERMAN, "cp1252"),
        ("It\u2019s “quoted”, at £5", "cp1252"),
        (POLISH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (JAPANESE, "shift_jis"),
    ],
    ids=["utf8", "utf8-mark", "utf16", "utf32", "western", "quotes", "polish", "russian", "japanese"],
)
def test_old_and_new_encodings(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_utf16_of_the_other_end() -> None:
    assert decode(b"\xfe\xff" + GERMAN.encode("utf-16-be")) == GERMAN


def test_what_a_page_declares_is_believed_where_it_is_one_of_the_old_encodings() -> None:
    assert decode("Größe".encode("cp1252"), "windows-1252") == "Größe"
    assert decode("мир".encode("koi8-r"), "koi8-r") == "мир"
    assert decode("Größe".encode("cp1252"), "rot13") == "Größe"
    assert decode("Größe".encode("cp1252"), "no such thing") == "Größe"
    assert decode("Größe".encode(), "cp1252") == "Größe"


def test_a_broken_byte_does_not_make_another_encoding_of_utf8() -> None:
    assert decode(("schön " * 50).encode() + b"\xff") == "schön " * 50 + "\ufffd"
    late = "a" * 500_000 + "schön " * 50
    assert decode(late.encode() + b"\xff") == late + "\ufffd"


def test_a_replacement_character_that_the_author_wrote_is_no_damage() -> None:
    assert decode("Shown as \ufffd.".encode()) == "Shown as \ufffd."


@pytest.mark.parametrize(
    "data",
    [b"a\0b", bytes(range(1, 256)) * 20, b"\xff\xfe\0\0a\0\0\0\0\0", b"\x7fELF\x01\x01\x01\x00"],
    ids=["zero", "all-bytes", "utf16-zeros", "program"],
)
def test_what_is_not_text_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable, match="not"):
        decode(data)


@PROPERTY
@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    with suppress(Unreadable):
        decode(data).encode()

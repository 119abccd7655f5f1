from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.readers.parsed import clean, first_heading, line, paragraphs, table
from gateway.retrieval.types import Block, Kind
from tests.support.fakes import PROPERTY

ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@PROPERTY
@given(ANY)
def test_cleaned_text_can_be_stored_and_has_one_kind_of_line_end(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert not set(cleaned) & {"\r", "\0", "\x0c", "\u2028", "\u00ad", "\ufeff"}


@PROPERTY
@given(ANY)
def test_a_line_is_one(text: str) -> None:
    assert line(text) == " ".join(line(text).split())


def test_cleaning_composes_and_keeps_what_is_seen() -> None:
    assert clean("e\u0301 \u00e9\ttab\r\nnext\rlast co\u00adoperate \ud800") == "é é\ttab\nnext\nlast cooperate \ufffd"


def test_paragraphs_are_parted_by_blank_lines_and_form_feeds() -> None:
    texts = [block.text for block in paragraphs("one\nstill one\n \t\n\n two\fthree\n")]
    assert texts == ["one\nstill one", "two", "three"]


def test_a_table_is_lines_with_its_header_first() -> None:
    assert table([["a", " b\nb "], ["", ""], ["1", "2"]]) == [Block(Kind.TABLE, "a | b b\n1 | 2")]


def test_a_table_of_one_column_is_paragraphs_and_an_empty_one_is_nothing() -> None:
    assert table([["one"], ["two"]]) == [Block(Kind.PARAGRAPH, "one"), Block(Kind.PARAGRAPH, "two")]
    assert table([["", " "], []]) == []


def test_the_first_heading_that_says_anything() -> None:
    blocks = [Block(Kind.PARAGRAPH, "x"), Block(Kind.HEADING, " ", 1), Block(Kind.HEADING, "A\nb", 2)]
    assert first_heading(blocks) == "A b"
    assert first_heading(blocks[:1]) == ""

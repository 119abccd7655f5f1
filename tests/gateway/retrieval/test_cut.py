from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.cut import cut
from gateway.retrieval.types import Block, Kind
from tests.support.fakes import PROPERTY


def words(text: str) -> str:
    return "".join(text.split())


@PROPERTY
@given(
    st.sampled_from([Kind.PARAGRAPH, Kind.LIST, Kind.CODE, Kind.HEADING]),
    st.lists(st.text(st.sampled_from("ab.!? \n\t-|é\u0301\u200d\U0001f3fd。"), max_size=60), max_size=12).map("".join),
    st.integers(1, 40),
    st.integers(1, 60),
)
def test_pieces_hold_all_that_was_written_in_its_order(kind: Kind, text: str, target: int, most: int) -> None:
    pieces = cut(Block(kind, text), min(target, most), most)
    assert words("".join(pieces)) == words(text)
    assert all(0 < len(piece) <= most and piece.strip() for piece in pieces)


@PROPERTY
@given(st.lists(st.text("abc ", min_size=1, max_size=30), min_size=1, max_size=30), st.integers(20, 80))
def test_a_table_is_cut_between_rows_under_its_header(rows: list[str], most: int) -> None:
    table = "\n".join(["name | x", *(f"{number} | {row}" for number, row in enumerate(rows))])
    pieces = cut(Block(Kind.TABLE, table), most, most)
    assert all(len(piece) <= most and piece.startswith("name | x") for piece in pieces)
    without = "".join(piece.removeprefix("name | x") for piece in pieces)
    assert words(without) == words(table.removeprefix("name | x"))


def test_rows_that_fit_are_never_torn() -> None:
    rows = [f"{number} | row" for number in range(40)]
    pieces = cut(Block(Kind.TABLE, "\n".join(["number | kind", *rows])), 60, 90)
    assert len(pieces) > 1
    assert [row for piece in pieces for row in piece.splitlines()[1:]] == rows


def test_a_table_whose_header_leaves_no_room_is_cut_without_repeating_it() -> None:
    pieces = cut(Block(Kind.TABLE, "h" * 60 + "\n" + "\n".join("abcdef" for _ in range(20))), 50, 100)
    assert "".join(pieces).count("h") == 60


def test_what_fits_stays_whole() -> None:
    text = "One. Two.\n\nThree."
    assert cut(Block(Kind.PARAGRAPH, text), 5, 50) == [text]
    assert cut(Block(Kind.CODE, "    indented\nmore\n"), 5, 50) == ["    indented\nmore"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("First one. Second one. Third.", ["First one.", "Second one.", "Third."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Version 2.5 is out now. Yes.", ["Version 2.5 is", "out now. Yes."]),
        ("一二三四五六七。八九十。一二三四五六七八九", ["一二三四五六七。八九十。", "一二三四五六七八九"]),
    ],
    ids=["sentences", "quotes", "words", "full-stops-without-space"],
)
def test_prose_is_cut_at_sentences_then_words(text: str, pieces: list[str]) -> None:
    assert cut(Block(Kind.PARAGRAPH, text), 14, 15) == pieces


def test_items_of_a_list_keep_what_is_nested_in_them() -> None:
    text = "- one\n  - inner\n- two\n  - inner\n- three"
    assert cut(Block(Kind.LIST, text), 16, 20) == ["- one\n  - inner", "- two\n  - inner", "- three"]


def test_a_long_item_does_not_run_into_the_next_one() -> None:
    pieces = cut(Block(Kind.LIST, "- " + "word " * 10 + "\n- next"), 20, 25)
    assert "- next" in "\n".join(pieces).splitlines()


def test_characters_keep_their_marks() -> None:
    pieces = cut(Block(Kind.PARAGRAPH, "e\u0301" * 50), 11, 11)
    assert not any(unicodedata.combining(piece[0]) for piece in pieces)
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert set(cut(Block(Kind.PARAGRAPH, family * 20), 12, 12)) == {family * 2}


def test_marks_without_end_are_cut_all_the_same() -> None:
    assert max(map(len, cut(Block(Kind.PARAGRAPH, "a" + "\u0301" * 500), 50, 50))) <= 50


@pytest.mark.parametrize("unit", ["x", "word ", "One sentence. ", "\n", " ", "e\u0301", ".", "a\n"], ids=repr)
def test_five_megabytes_in_one_line_are_a_matter_of_a_moment(unit: str) -> None:
    """Anything but linear time would take hours here."""
    text = unit * (5_000_000 // len(unit))
    pieces = cut(Block(Kind.PARAGRAPH, text), 900, 1800)
    assert words("".join(pieces)) == words(text)

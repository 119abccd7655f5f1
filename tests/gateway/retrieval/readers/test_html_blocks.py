from __future__ import annotations

from gateway.retrieval.readers.html_blocks import Blocks
from gateway.retrieval.types import Block, Kind


def told(*events: str) -> list[Block]:
    """``<x`` enters, ``>x`` leaves, all else is text."""
    blocks = Blocks()
    for event in events:
        if event.startswith("<"):
            blocks.enter(event[1:])
        elif event.startswith(">"):
            blocks.leave(event[1:])
        else:
            blocks.text(event)
    return blocks.ended()


def test_elements_within_a_line_do_not_part_it() -> None:
    assert told("<p", "a ", "<b", "b", ">b", "\n c", ">p") == [Block(Kind.PARAGRAPH, "a b c")]


def test_text_between_blocks_is_a_paragraph_of_its_own() -> None:
    assert [block.text for block in told("<div", "one", "<p", "two", ">p", "three", ">div", "four")] == [
        "one", "two", "three", "four",
    ]  # fmt: skip


def test_what_is_left_open_is_not_lost() -> None:
    assert told("<p", "open") == [Block(Kind.PARAGRAPH, "open")]


def test_a_heading_keeps_its_level_and_one_line() -> None:
    assert told("<h3", "a", "<br", "b", ">h3") == [Block(Kind.HEADING, "a b", 3)]


def test_a_list_in_a_cell_is_words_of_it() -> None:
    events = ("<table", "<tr", "<td", "a", "<ul", "<li", "x", ">li", ">ul", ">td", "<td", "b", ">td", ">tr", ">table")
    assert told(*events) == [Block(Kind.TABLE, "a x | b")]

"""Blocks from a page's elements, told in their order."""

from __future__ import annotations

import re

from gateway.retrieval.readers.parsed import clean, line, table
from gateway.retrieval.types import Block, Kind

HEADINGS = {f"h{level}": level for level in range(1, 7)}
#: Elements within a line; any other one ends the paragraph before it and its own.
INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "img", "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
LISTS = {"ul", "ol", "menu", "dl"}
ITEMS = {"li", "dt"}
SPACES = re.compile(r"\s+")


class Blocks:
    """What is entered, left and written, made into blocks. Within a table of data, and in a list, elements of other
    kinds are words of it."""

    def __init__(self) -> None:
        self._found: list[Block] = []
        self._written: list[str] = []
        self._lines: list[str] = []  # of the list that is open
        self._lists = 0
        self._begun = False  # an item, of which nothing is written yet
        self._rows: list[list[str]] = []  # of the table of data that is open
        self._tables: list[bool] = []  # of each open table, whether it holds data
        self._preformatted = 0

    def text(self, text: str) -> None:
        """Words, as they stand in the page."""
        self._written.append(text if self._preformatted else SPACES.sub(" ", text))

    def enter(self, tag: str, *, layout: bool = False) -> None:
        """An element begins; ``layout`` is a table's that only places things on the page."""
        if tag == "br":
            self._written.append("\n")
        if tag in INLINE:
            return
        self._flush()
        self._lists += tag in LISTS
        self._preformatted += tag == "pre"
        self._begun = self._begun or tag in ITEMS
        if tag == "table":
            self._tables.append(not layout)
        elif any(self._tables):
            self._cell(tag)

    def leave(self, tag: str) -> None:
        """An element ends."""
        if tag in INLINE:
            return
        self._flush(HEADINGS.get(tag, 0))
        if tag == "pre":
            self._preformatted -= 1
        elif tag in LISTS:
            self._lists -= 1
            self._end_list()
        elif tag == "table" and self._tables.pop():
            self._end_table()

    def ended(self) -> list[Block]:
        """All of them, at the page's end."""
        self._flush()
        return self._found

    def _cell(self, tag: str) -> None:
        if tag == "tr" or (tag in {"td", "th"} and not self._rows):
            self._rows.append([])
        if tag in {"td", "th"}:
            self._rows[-1].append("")

    def _flush(self, level: int = 0) -> None:
        """What was written since the last block's border goes where it belongs."""
        raw = clean("".join(self._written))
        self._written = []
        text = raw.strip("\n") if self._preformatted else "\n".join(filter(None, map(line, raw.split("\n"))))
        if not text.strip():
            return
        if any(self._tables) and self._rows and self._rows[-1]:
            self._rows[-1][-1] += f" {text}"
        elif self._lists:
            margin = "  " * (self._lists - 1)
            first, *more = text.split("\n")
            mark = "- " if self._begun else "  "
            self._lines += [f"{margin}{mark}{first}", *(f"{margin}  {rest}" for rest in more)]
            self._begun = False
        elif level:
            self._found.append(Block(Kind.HEADING, line(text), level))
        else:
            self._found.append(Block(Kind.CODE if self._preformatted else Kind.PARAGRAPH, text))

    def _end_list(self) -> None:
        if self._lines and not self._lists:
            self._found.append(Block(Kind.LIST, "\n".join(self._lines)))
            self._lines = []

    def _end_table(self) -> None:
        if self._lines:  # the table stands in a list, which goes on after it
            self._found.append(Block(Kind.LIST, "\n".join(self._lines)))
            self._lines = []
        self._found += table(self._rows)
        self._rows = []

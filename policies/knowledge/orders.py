"""Leaves out of a document what speaks to the model instead of the reader.

A paragraph is looked at as a row of plain words: case, width, marks, unseen characters, letters that look like Latin
ones, figures in the place of letters, letters set apart and punctuation make no difference. From the sentence in which
an order begins to the end of its paragraph all is left out, since an order goes on in the sentences behind it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import re2

from policies.common.recital import WORD, folded
from policies.common.words import UNSEEN

LEFT_OUT = "[…]"
#: Between two paragraphs, items of a list, or rows of a table.
BORDER = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]*(?:[-*+•#>|]|\d{1,3}[.)]|[^\n|]{0,200} \| ))")
SENTENCE = re.compile(r"[.!?\u3002\uff01\uff1f][\"'\u201d\u2019)\]]{0,3}(?:\s+|(?<=[\u3002\uff01\uff1f]))|\n")
#: Cyrillic and Greek letters that pass for Latin ones.
LOOKALIKES = str.maketrans(
    "\u0430\u0432\u0435\u0456\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0458\u0501"
    "\u04bb\u051b\u051d\u04cf\u0433"
    "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131",
    "abeikmhopctyxsjdhqwlrabeikvoptuxi",
)
FIGURES = str.maketrans("013457@$", "oieastas")
#: So many letters in a row, each by itself, are one word.
SPELT = 3


class Order(NamedTuple):
    """Where a paragraph's word stands, and what it reads as."""

    start: int
    end: int
    plain: str


class Orders:
    """Patterns (RE2) over the plain words of a paragraph. Raises ValueError for one that can't be used."""

    def __init__(self, patterns: Sequence[str]) -> None:
        try:
            self._patterns = [re2.compile(pattern) for pattern in patterns]
        except re2.error as error:
            raise ValueError(f"the pattern {patterns[0]!r} can't be used: {error}") from None

    def without(self, text: str) -> str:
        """``text`` without its orders, each replaced by a mark; and without unseen characters."""
        text = UNSEEN.sub("", text)
        made, at = [], 0
        for border in BORDER.finditer(text):
            made += [self._clean(text[at : border.start()]), border[0]]
            at = border.end()
        return "".join([*made, self._clean(text[at:])])

    def _clean(self, paragraph: str) -> str:
        found = self._first(paragraph)
        if found is None:
            return paragraph
        starts = [0, *(end.end() for end in SENTENCE.finditer(paragraph))]
        return paragraph[: starts[bisect_right(starts, found) - 1]] + LEFT_OUT

    def _first(self, paragraph: str) -> int | None:
        """Where the first order begins."""
        words = list(_spelt(_words(paragraph)))
        plain = " ".join(word.plain for word in words)
        matches = (pattern.search(plain) for pattern in self._patterns)
        begins = [match.start() for match in matches if match]
        if not begins:
            return None
        return words[plain.count(" ", 0, min(begins))].start


def _words(paragraph: str) -> Iterator[Order]:
    for match in WORD.finditer(paragraph):
        plain = folded(match[0]).translate(LOOKALIKES)
        if not plain.isdecimal():
            plain = plain.translate(FIGURES)
        if plain:
            yield Order(match.start(), match.end(), plain)


def _spelt(words: Iterator[Order]) -> Iterator[Order]:
    """The words, with rows of single letters put together: those with one character between them."""
    row: list[Order] = []
    for word in words:
        if row and not (len(word.plain) == 1 and word.start == row[-1].end + 1):
            yield from _joined(row)
            row = []
        if len(word.plain) == 1:
            row.append(word)
        else:
            yield word
    yield from _joined(row)


def _joined(row: Sequence[Order]) -> Sequence[Order]:
    if len(row) < SPELT:
        return row
    return [Order(row[0].start, row[-1].end, "".join(word.plain for word in row))]

"""Finds where a continuation begins: at the last words of what it continues, which it was asked to begin with.

Models put a remark before them, or quotation marks around them; what stands before the words is no part of the text.
"""

from __future__ import annotations

import re

from gateway.upstream.failures import Failure, Kind

#: So many characters are looked through before a continuation is taken to begin with its first one.
WINDOW = 160
LOOKED_FOR = 4  # words
FEWEST_LETTERS = 10
MARKS = {'"': '"', "'": "'", "`": "`", "*": "*", "_": "_", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
LONGEST_MARK = 3


class Preface:
    """Takes a continuation's text and gives it on from the words that ``tail`` ends with."""

    def __init__(self, tail: str) -> None:
        self._tail = " ".join(tail.split())
        words = tail.split()[-LOOKED_FOR:]
        telling = len(words) > 1 and sum(map(str.isalnum, "".join(words))) >= FEWEST_LETTERS
        self._pattern = re.compile(r"\s+".join(map(re.escape, words))) if telling else None
        self._held = ""
        self._passed = not tail

    def add(self, text: str) -> str:
        """What is to be given on; nothing while it is still looked for the words."""
        if self._passed or not text:
            return text
        self._held += text
        found = self._pattern.search(self._held) if self._pattern else None
        if found is None:
            return self._all() if len(self._held) >= WINDOW else ""
        begin, end = found.span()
        mark = _mark(self._held[max(0, begin - LONGEST_MARK) : begin])
        if mark and len(self._held) < end + len(mark):
            return ""
        after = self._held[end:].removeprefix(mark)
        self._held = self._held[begin:end] + after
        return self._all()

    def end(self, *, cut: bool) -> str:
        """What is left at the end of the continuation; ``cut`` where a limit ended it. Raises Failure(DIVERGED) where
        it stopped in the middle of the words that it was to begin with, so that nothing was continued."""
        heard = " ".join(self._held.split())
        if self._passed or not heard or heard == self._tail or not self._tail.startswith(heard):
            return "" if self._passed else self._all()
        if not cut:
            raise Failure(Kind.DIVERGED, "asked to continue an answer, it stopped before it had begun")
        self._passed = True
        return ""

    def _all(self) -> str:
        self._passed = True
        held, self._held = self._held, ""
        return held


def _mark(before: str) -> str:
    """The marks that close what the marks at the end of ``before`` open."""
    closing = ""
    for character in reversed(before):
        if character not in MARKS:
            break
        closing += MARKS[character]
    return closing

"""Citations in an answer that comes piece by piece: those of no passage go, the others are numbered as they come."""

from __future__ import annotations

import re

#: ``[2]``, ``[1, 3]``, ``[1-3]``, and the brackets that some models set instead.
NUMBERS = r"[ \t]{0,3}[1-9]\d?(?:[ \t]{0,3}[,;\u2013-][ \t]{0,3}[1-9]\d?){0,9}[ \t]{0,3}"
CITED = re.compile(rf"([ \t]{{0,3}})[\[【]({NUMBERS})[\]】]")
#: What may be the beginning of one, at the end of a text.
OPEN = re.compile(r"[\[【][ \t\d,;\u2013-]{0,60}")
LONGEST_OPEN = 61
NUMBER = re.compile(r"(\d+)(?:[ \t]*[\u2013-][ \t]*(\d+))?")


class Citations:
    """Of ``passages``, which are numbered from 1. ``cited`` are the numbers that were cited, in order; in the text the
    first of them is 1, the second 2."""

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._held = ""
        self.cited: list[int] = []

    def hear(self, text: str, *, last: bool = False) -> str:
        """What can be given on of the text so far."""
        text = self._held + text
        upto = len(text) if last else _sure(text)
        self._held = text[upto:]
        return CITED.sub(self._numbered, text[:upto])

    def number(self, passage: int) -> int | None:
        """What ``passage`` is cited as; None where there is no such passage."""
        if not 1 <= passage <= self._passages:
            return None
        if passage not in self.cited:
            self.cited.append(passage)
        return self.cited.index(passage) + 1

    def _numbered(self, match: re.Match[str]) -> str:
        numbers = []
        for first, last in NUMBER.findall(match[2]):
            numbers += [self.number(one) for one in range(int(first), int(last or first) + 1)]
        said = "".join(f"[{number}]" for number in dict.fromkeys(numbers) if number is not None)
        return match[1] + said if said else ""


def _sure(text: str) -> int:
    """Up to where nothing belongs to a citation that is under way."""
    at = max(text.rfind("["), text.rfind("【"))
    upto = at if at >= len(text) - LONGEST_OPEN and OPEN.fullmatch(text, max(at, 0)) else len(text)
    return len(text[:upto].rstrip(" \t"))

"""Which numbers may be said: those of a context and its sources, as they are written there.

What can't be said as it is gets dropped, never turned into something else. Only what adds nothing to a number may go:
separators between thousands, zeros after the point; and digits of another script become the facts'.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

from policies.common.numbers import NUMBER, TOKEN, forms, latin, numeral, values

#: Bounds on what is looked at; what lies beyond counts as not known.
MOST_NODES, MOST_CHARACTERS, LONGEST_TEXT = 10_000, 200_000, 50_000
#: Reading what numbers stand for costs more than finding them, and is for words and scales only.
MOST_READ = 20_000
#: No number goes over it, and it is in no text.
SEAM = "\n|\n"
#: How JSON writes a control character; with the digits after it, it looks like a number.
ESCAPES = re.compile(r"\\u00[01][0-9a-f][\d.,]*")
#: Letters that make a name of a number, such as Q3, 3rd and Top-3.
LETTERS_BEFORE, LETTERS_AFTER = re.compile(r"[^\W\d]-?\Z"), re.compile(r"-?[^\W\d]")
END = object()


class Grounds:
    """The numbers of some facts, and how the facts write them."""

    def __init__(self, *facts: Any) -> None:
        self._numbers: dict[float, float] = {}
        self._facts = SEAM.join(self._collected(facts))
        self._tokens = set(TOKEN.findall(self._facts))

    def knows(self, text: str) -> bool:
        """Whether every number of ``text`` stands in the facts, digit by digit."""
        return self._tokens.issuperset(TOKEN.findall(text))

    def text(self, text: str) -> str | None:
        """``text``, its numbers as the facts write them; None where it holds one that the facts don't."""
        if not self._holds_quantities(text):
            return None
        said = TOKEN.sub(self._rewritten, text)
        return said if self.knows(said) else None

    def value(self, number: float) -> float | None:
        """A number of JSON as the facts write it; None where they don't hold it."""
        if number in self._numbers:
            return self._numbers[number]
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        return next((form for form in (number, whole) if json.dumps(form) in self._tokens), None)

    def _collected(self, facts: tuple[Any, ...]) -> Iterator[str]:
        """Every text and number of the facts as JSON writes it: one part of each object and list in turn, so that a
        vast one leaves room for the others."""
        waiting: deque[Iterator[Any]] = deque([iter(facts)])
        room = MOST_CHARACTERS
        for _ in range(MOST_NODES):
            if not waiting or room <= 0:
                return
            value = next(waiting[0], END)
            if value is END:
                waiting.popleft()
                continue
            waiting.rotate(-1)
            if isinstance(value, dict):
                waiting.append(chain.from_iterable(value.items()))
            elif isinstance(value, list | tuple):
                waiting.append(iter(value))
            elif (written := self._written(value, room)) is not None:
                room -= len(written) + 1
                yield written

    def _written(self, value: Any, room: int) -> str | None:
        if isinstance(value, str):
            written = json.dumps(_whole(value, min(room, LONGEST_TEXT)), ensure_ascii=False)
            return ESCAPES.sub(" ", written) if "\\u" in written else written
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if isinstance(value, int) and value.bit_length() > 256:
            return None
        written = json.dumps(value)
        if not math.isfinite(value) or "e" in written:  # the caller may have written it without an exponent
            return None
        self._numbers.setdefault(value, value)
        return written

    @cached_property
    def _values(self) -> set[Decimal]:
        return {value for match in NUMBER.finditer(_whole(self._facts, MOST_READ)) for value in values(match)}

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """The facts' own tokens by their ASCII digits; of two, the one in ASCII."""
        return {latin(token): token for token in sorted(self._tokens, key=str.isascii)}

    def _holds_quantities(self, text: str) -> bool:
        """Whether the facts hold all that is a number by its words (``twelve``, ``5 million``) or is one character
        (``½``)."""
        if not text.isascii() and any(numeral(character) and character not in self._facts for character in set(text)):
            return False
        spoken = (match for match in NUMBER.finditer(text) if match["words"] or match["scale"])
        return all(not self._values.isdisjoint(values(match)) for match in spoken)

    def _rewritten(self, match: re.Match[str]) -> str:
        token, (start, end) = match.group(), match.span()
        if token in self._tokens or LETTERS_BEFORE.search(match.string[max(0, start - 2) : start]):
            return token
        if LETTERS_AFTER.match(match.string, end):
            return token
        return next((self._spellings[form] for form in forms(token) if form in self._spellings), token)


def _whole(text: str, room: int) -> str:
    """As much of ``text`` as there is room for, without a number that is cut in two."""
    return text if len(text) <= room else text[:room].rstrip("0123456789.,")

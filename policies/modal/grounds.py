"""Which numbers may be said: those of a context and its sources."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Any

from policies.modal.numbers import NUMBER, TOKEN, numeral, values

#: Bounds on what is looked at; what lies beyond counts as not known.
MOST_NODES, MOST_CHARACTERS, LONGEST_TEXT = 20_000, 400_000, 50_000
#: Reading what numbers stand for costs more than finding them, and is for those that are not written as in the facts.
MOST_READ = 50_000
#: No number goes over it, and it is in no text.
SEAM = "\n|\n"
#: How JSON writes a control character; with the digits after it, it looks like a number.
ESCAPES = re.compile(r"\\u00[01][0-9a-f][\d.,]*")


class Ungrounded(Exception):
    """A number that the facts don't hold."""


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
        """``text`` with its numbers as the facts write them; None where it holds one that they don't."""
        try:
            said = NUMBER.sub(self._rewritten, self._without_numerals(text))
        except Ungrounded:
            return None
        return said if self.knows(said) else None

    def value(self, number: float) -> float | None:
        """A number of JSON as the facts write it; None where they don't hold it."""
        if number in self._numbers:
            return self._numbers[number]
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        return next((form for form in (number, whole) if json.dumps(form) in self._tokens), None)

    def _collected(self, facts: Any) -> Iterator[str]:
        """Every text and number of the facts as JSON writes it, what lies near the surface first."""
        waiting, room = deque([facts]), MOST_CHARACTERS
        for _ in range(MOST_NODES):
            if not waiting or room <= 0:
                return
            value = waiting.popleft()
            if isinstance(value, Mapping):
                waiting.extend(islice((part for pair in value.items() for part in pair), MOST_NODES))
            elif isinstance(value, list | tuple):
                waiting.extend(islice(value, MOST_NODES))
            elif (written := self._written(value, room)) is not None:
                room -= len(written) + 1
                yield written

    def _written(self, value: Any, room: int) -> str | None:
        if isinstance(value, str):
            return ESCAPES.sub(" ", json.dumps(_whole(value, min(room, LONGEST_TEXT)), ensure_ascii=False))
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
    def _values(self) -> dict[Decimal, str]:
        found: dict[Decimal, str] = {}
        for match in NUMBER.finditer(self._facts, 0, MOST_READ):
            written = match.group().removesuffix(match["percent"] or "")
            for value in values(match):
                found.setdefault(value, written)
        for character in filter(numeral, self._characters):
            found.setdefault(Decimal(str(unicodedata.numeric(character))), character)
        return found

    @cached_property
    def _characters(self) -> set[str]:
        return set(self._facts)

    def _rewritten(self, match: re.Match[str]) -> str:
        said, percent = match.group(), match["percent"] or ""
        if match["digits"] in self._tokens and not match["scale"]:
            return said
        for value in values(match):
            if value in self._values:
                return said if match["words"] else self._values[value] + percent
            if percent and value / 100 in self._values:
                return self._values[value / 100]
        raise Ungrounded

    def _without_numerals(self, text: str) -> str:
        """``text`` with fractions and the like that the facts don't hold as the digits that they do hold."""
        if text.isascii():
            return text
        for character in {c for c in set(text) - self._characters if numeral(c)}:
            written = self._values.get(Decimal(str(unicodedata.numeric(character))))
            if written is None:
                raise Ungrounded
            text = re.sub(rf"(?<!\d){re.escape(character)}(?!\d)", written, text)
            if character in text:
                raise Ungrounded
        return text


def _whole(text: str, room: int) -> str:
    """As much of ``text`` as there is room for, without a number that is cut in two."""
    return text if len(text) <= room else text[:room].rstrip("0123456789.,")

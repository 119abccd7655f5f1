"""The values of a caller's free-form context as short, plain text of one line.

Nothing here raises or takes long, whatever the value is: what is too long, too deep or too many is left out. A number
is never written otherwise than the caller wrote it, nor cut in two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

LONGEST = 300
LONGEST_KEY = 60
MOST = 10
DEEPEST = 3
#: Of a text this many characters for each that may stand are looked at; the rest of what is kept is spaces.
SLACK = 4
MOST_BITS = 256
#: Control characters, halves of surrogate pairs, marks that turn the direction of what follows, and tags.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")
#: What goes on with a number that the word before it began.
GOES_ON = re.compile(r"\d|(?:hundred|thousand|million|billion|trillion|dozen|percent|per cent|%)", re.IGNORECASE)


def in_words(value: Any, depth: int = 0) -> str | None:
    """``value`` as text of at most ``LONGEST`` characters; None where there is nothing to say."""
    if isinstance(value, str | int | float):
        return _scalar(value)
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return _joined(pairs(value, depth), ", " if depth else "; ")
    if isinstance(value, list | tuple):
        said = (_inner(item, depth) for item in islice(value, SLACK * MOST))
        return _joined((text for text in said if text), ", ")
    return None


def number(value: float) -> str | None:
    """A number as JSON writes it; None for one with an exponent, as the caller may have written that without."""
    if isinstance(value, int):
        return str(value) if value.bit_length() <= MOST_BITS else None
    written = repr(value)
    return written if math.isfinite(value) and "e" not in written else None


def pairs(value: Mapping[Any, Any], depth: int = 0) -> Iterator[str]:
    """Each ``key: value`` of an object that has something to say."""
    for key, inner in islice(value.items(), SLACK * MOST):
        said = _inner(inner, depth)
        if said and isinstance(key, str):
            yield f"{clipped(_spoken(key), LONGEST_KEY)}: {said}"


def one_line(text: str, longest: int = LONGEST) -> str:
    """``text`` without line breaks and unseen characters, clipped. A space takes their place, or two numbers
    could become one."""
    if len(text) <= longest and text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    head = text[: SLACK * longest]
    line = " ".join(UNSEEN.sub(" ", head).split())
    return clipped(line, longest, cut=len(head) < len(text))


def clipped(line: str, longest: int = LONGEST, *, cut: bool = False) -> str:
    """At most ``longest`` characters of ``line``, to the end of a word that ends no half of a number. ``cut`` says
    that its last word may be half a word."""
    if len(line) <= longest and not cut:
        return line
    border = line.rfind(" ", 0, longest)
    if border < 0:
        border = _no_number(line, min(longest - 1, len(line)))
    while border > 0 and line[border - 1].isdigit() and GOES_ON.match(line, border + 1):
        border = line.rfind(" ", 0, border)
    return f"{line[:border]}…" if border > 0 else ""


def _no_number(line: str, end: int) -> int:
    """The last place up to ``end`` that is not within or behind a number."""
    while end > 0 and (line[end - 1].isdigit() or line[end - 1] in ".,"):
        end -= 1
    return end


def _scalar(value: str | float) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(value) or None if isinstance(value, str) else number(value)


def _inner(value: Any, depth: int) -> str | None:
    said = in_words(value, depth + 1)
    return f"({said})" if said and isinstance(value, dict) else said


def _spoken(key: str) -> str:
    """``leadScore`` and ``lead_score`` as lead score."""
    return CAMEL.sub(" ", one_line(key, LONGEST_KEY)).strip().lower() or "?"


def _joined(texts: Iterable[str], separator: str) -> str | None:
    """The first texts, as many as there is room for."""
    kept: list[str] = []
    room = LONGEST
    for text in texts:
        if len(kept) == MOST or room <= 0:
            kept.append("…")
            break
        kept.append(text)
        room -= len(text) + len(separator)
    return clipped(separator.join(kept)) or None

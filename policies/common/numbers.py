"""How numbers are written: digits with separators, scales, English words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

#: A number as everyone sees it. Python's ``\d`` knows the digits of every script.
TOKEN = re.compile(r"\d+(?:[.,]\d+)*")
SEPARATOR = re.compile(r"\D")
#: A longer one is nobody's quantity.
MOST_DIGITS = 40
#: Commas that can only stand between thousands (or, as in India, before the last three and every two), and points
#: that can: ``1.200`` alone is one and a fifth as well.
COMMAS = re.compile(r"(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d\d)+,\d{3})(?:\.\d+)?")
POINTS = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|\.\d{3},\d+)")
#: Three zeros may be thousands, and 3.0.0 is no quantity.
NO_FRACTION = re.compile(r"([\d,]+)\.00?")

UNITS = (
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
COUNTS = {
    "one": 1,
    **{word: number for number, word in enumerate(UNITS, start=2)},
    **{word: 10 * number for number, word in enumerate(TENS, start=2)},
}
TIMES = {"dozen": 12, "hundred": 100}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SHORT = {"k": 10**3, "m": 10**6, "bn": 10**9}

# "one" alone is a pronoun far more often than a number.
ANY = "|".join([*COUNTS, *TIMES, *SCALES])
FIRST = rf"(?:one(?=[\s-]+(?:{'|'.join([*TIMES, *SCALES])})\b)|{'|'.join([*UNITS, *TENS, *TIMES, *SCALES])})\b"
WORDS = rf"(?<!\w){FIRST}(?:[ -](?:and )?(?:{ANY})\b)*"
SCALE = rf"(?: ?(?:{'|'.join([*TIMES, *SCALES])})|{'|'.join(SHORT)})\b"
#: A number with all that belongs to it.
NUMBER = re.compile(rf"(?P<digits>{TOKEN.pattern})(?P<scale>{SCALE})?|(?P<words>{WORDS})", re.IGNORECASE)


def values(found: re.Match[str]) -> Iterator[Decimal]:
    """What a match of ``NUMBER`` can stand for: ``1,234`` is read both ways."""
    if found["words"]:
        yield _spelt(found["words"])
        return
    scale = (found["scale"] or "").strip().lower()
    times = (TIMES | SCALES | SHORT).get(scale, 1)
    for value in _read(found["digits"]):
        yield value * times


def forms(token: str) -> Iterator[str]:
    """``token`` as it is, and with what adds nothing taken away: thousands separators, zeros after the point. Its
    digits are ASCII's."""
    written = latin(token)
    yield from _without_fraction(written)
    if COMMAS.fullmatch(written):
        yield from _without_fraction(written.replace(",", ""))
    elif POINTS.fullmatch(written):
        yield from _without_fraction(written.replace(".", "").replace(",", "."))


def latin(token: str) -> str:
    """``token`` with the digits of any script as ASCII's."""
    return token if token.isascii() else "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in token)


def numeral(character: str) -> bool:
    """Whether it is a number that is no digit: a fraction, a circled or superscript digit, a Roman numeral."""
    return unicodedata.category(character) in ("No", "Nl")


def _without_fraction(written: str) -> Iterator[str]:
    yield written
    whole = NO_FRACTION.fullmatch(written)
    if whole:
        yield whole[1]


def _read(digits: str) -> Iterator[Decimal]:
    if len(digits) > MOST_DIGITS:
        return
    plain = latin(digits)
    separators = SEPARATOR.findall(plain)
    # A zero in front is part of a date, a time, a number to call: no quantity.
    if (not separators and (plain == "0" or plain[0] != "0")) or _in_groups(plain):
        yield Decimal(SEPARATOR.sub("", plain))
    if separators:
        whole, _, fraction = plain.rpartition(separators[-1])
        if whole.isdecimal() or (separators.count(separators[-1]) == 1 and _in_groups(whole)):
            yield Decimal(SEPARATOR.sub("", whole) + "." + fraction)


def _in_groups(plain: str) -> bool:
    """Whether one kind of separator stands before every three digits or, as in India, every two and the last three."""
    kinds = set(SEPARATOR.findall(plain))
    first, *groups = SEPARATOR.split(plain)
    if len(kinds) > 1 or len(first) > 3 or first.startswith("0"):
        return False
    return all(len(group) == 3 for group in groups) or (
        kinds == {","} and len(groups[-1]) == 3 and all(len(group) == 2 for group in groups[:-1])
    )


def _spelt(words: str) -> Decimal:
    total = current = 0
    for word in re.split(r"[ -]+", words.lower()):
        if word in COUNTS:
            current += COUNTS[word]
        elif word in TIMES:
            current = max(current, 1) * TIMES[word]
        elif word in SCALES:
            total += max(current, 1) * SCALES[word]
            current = 0
    return Decimal(total + current)

"""Finds personal data in a text: e-mail addresses, phone numbers, and what the operator describes by patterns.

This is the one definition of each; logs and policies use it. Everything here costs what the text's length does:
operators' patterns and e-mail addresses are RE2's, and the patterns of Python's own never go back over a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import re2

from gateway.contract import Found

EMAIL = "email"
PHONE = "phone"
#: Bytes of a text that an identifier is looked for in at once, and what of the next window is seen twice. A pattern
#: such as `a(.*b)?` reads to the end of what it is given for each single find.
WINDOW = 512
LONGEST_IDENTIFIER = 128
_NAME = re.compile(r"\w[\w-]{0,39}")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LATER_BYTES = bytes(range(0x80, 0xC0))

# An at sign and a dot may be an East Asian keyboard's; a letter's marks are no letters to RE2, nor to Python.
_AT = "@\uff20\ufe6b"
_LETTERS = r"\-\pL\pM\pN_\x{200C}\x{200D}"
_EMAILS = re2.compile(
    rf"[{_LETTERS}.!#$%&'*+/=?^`{{|}}~]+[{_AT}][{_LETTERS}]+(?:[.\x{{3002}}\x{{FF0E}}\x{{FF61}}][{_LETTERS}]+)+".encode()
)

# A run of digits with what people put between them. Possessive: a run is read once.
_BETWEEN = r" \u00a0\u2009\u202f().\u2010\u2011\u2013-"
_RUNS = re.compile(rf"\d(?:(?:[{_BETWEEN}]{{0,2}}|(?<!\d\d\d\d\d\d\d) ?/ ?(?=\d{{4}}))\d)*+")
_PLUS = ("+", "\uff0b")
_DIGITS = re.compile(r"\d+")
_EXTENSION = re.compile(r"(?i)\s?(?:x|ext\.?)\s?\d{1,6}(?!\w)")
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_CURRENCY = r"(?:[$€£¥₹]|\b(?:EUR|USD|GBP|CHF|INR|JPY|AUD|CAD))"
#: What stands among a run's digits and is no part of a phone number.
_OTHER = re.compile(
    r"(?i)(?<![\w+-])(?:"
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\w)"  # a UUID
    rf"|{_YEAR}([-./]){_MONTH}\1{_DAY}(?![-./]?\d)"  # dates
    rf"|(?:{_DAY}([-./]){_MONTH}|{_MONTH}([-./]){_DAY})(?:\2|\3){_YEAR}(?![-./]?\d)"
    rf"|{_MONTH}/{_YEAR}(?![-./]?\d)"
    r"|(?<!\.)(?:0|[1-9]\d?|1[0-8]\d)\.\d++(?![\w.])"  # a decimal, a place's longitude
    r"|(?<!\.)(?:0|[1-9]\d{0,2})(?:[ ,.\u00a0\u202f]\d{3}){0,5}[.,]\d{2}(?![\w.-]|[ \u00a0]\d)"  # an amount
    rf"|(?<!\d[ .])\d{{1,3}}(?:[ ,.\u00a0\u202f]\d{{3}}){{0,5}}\s?{_CURRENCY}(?!\s?\d)"  # with its currency
    r")"
)
_CURRENCY_BEFORE = re.compile(rf"(?<!\d)(?<!\d ){_CURRENCY}\s?\Z")  # not that of a price before it
_PRICE = re.compile(r"\d{1,3}(?:[ ,.\u00a0\u202f]\d{3}){0,5}(?![-./ ]?\d)")
_WITHIN = re.compile(r"[\w-]\Z|\d[.:]\Z")
_ESCAPED = re.compile(r"\\[nrt]")  # a line's end within JSON or a program's text is no letter
FEWEST_DIGITS = 9
MOST_DIGITS = 15  # ITU-T E.164; a longer group is some other number, several groups are several phone numbers

Span = tuple[int, int]


class PersonalData:
    """Knows e-mail addresses, phone numbers and the operator's ``identifiers``, each a name with an RE2 pattern.

    An identifier is at most 128 bytes of UTF-8 long. Raises ValueError for a name or a pattern that can't be used.
    """

    def __init__(self, identifiers: Mapping[str, str]) -> None:
        self._patterns = {name: _compiled(name, pattern) for name, pattern in identifiers.items()}

    def kinds(self) -> Sequence[str]:
        """``email``, ``phone`` and the identifiers' names."""
        return (EMAIL, PHONE, *self._patterns)

    def find(self, text: str) -> Sequence[Found]:
        """All that is found, in order; of two that overlap the earlier or longer one is whole, the other cut."""
        found = [Found(start, end, PHONE) for start, end in _phones(text)]
        at = any(sign in text for sign in _AT)
        if at or self._patterns:
            data = _SURROGATES.sub("\ufffd", text).encode()
            if at:
                spans = (match.span() for match in _EMAILS.finditer(data))
                found += [Found(*span, EMAIL) for span in _characters(data, text, spans)]
            for name, pattern in self._patterns.items():
                found += [Found(*span, name) for span in _characters(data, text, _windowed(pattern, data))]
        return _apart(found)


def _compiled(name: str, pattern: str) -> re2._Regexp:
    if name.casefold() in (EMAIL, PHONE):
        raise ValueError(f"the identifier {name!r}: this name is taken, it is always found; choose another")
    if not _NAME.fullmatch(name):
        raise ValueError(f"the identifier {name!r}: a name is 1 to 40 letters, digits, '_' and '-'")
    options = re2.Options()
    options.log_errors = False
    try:
        made = re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        what = error.args[0].decode(errors="replace") if isinstance(error, re2.error) else str(error)
        raise ValueError(f"the identifier {name!r}: RE2 can't read its pattern {pattern!r}: {what}") from None
    if made.search(b"") is not None:
        raise ValueError(f"the identifier {name!r}: its pattern {pattern!r} matches the empty text, so every text")
    return made


def _windowed(pattern: re2._Regexp, data: bytes) -> Iterator[Span]:
    """Where ``pattern`` is found in UTF-8 ``data``, in bytes. A window's surroundings are its context, and no part of a
    character is ever matched, so that a window may begin within one."""
    at, last = 0, len(data)
    while at < last:
        end = min(at + WINDOW, last)
        match = pattern.search(data, at, end)
        start, stop = match.span() if match else (end, end)
        sure = last if end == last else end - LONGEST_IDENTIFIER
        if start > sure:  # nothing, or something that could be cut off by the window's end
            at = sure if match is None else start
        elif stop > start:
            yield start, stop
            at = stop
        else:  # an empty match, at a word's border for example
            at = start + 1


def _characters(data: bytes, text: str, spans: Iterator[Span]) -> Iterator[Span]:
    """Ordered spans of bytes as spans of characters."""
    if len(data) == len(text):
        yield from spans
        return
    byte = character = 0
    for start, end in spans:
        first = character + _length(data[byte:start])
        byte, character = end, first + _length(data[start:end])
        yield first, character


def _length(data: bytes) -> int:
    return len(data.translate(None, _LATER_BYTES))


def _apart(found: list[Found]) -> list[Found]:
    """In order and without overlaps; nothing that was found is left out."""
    apart: list[Found] = []
    reached = 0
    for piece in sorted(found, key=lambda piece: (piece.start, -piece.end, piece.kind == PHONE)):
        if piece.end > reached:
            apart.append(piece._replace(start=max(piece.start, reached)))
            reached = piece.end
    return apart


def _phones(text: str) -> Iterator[Span]:
    for run in _RUNS.finditer(text):
        if run.end() - run.start() >= FEWEST_DIGITS:
            for groups in _segments(text, run):
                span = _phone(text, groups)
                if span:
                    yield span


def _segments(text: str, run: re.Match[str]) -> Iterator[list[Span]]:
    """The groups of digits in a run, apart at whatever is known to be something else."""
    segment: list[Span] = []
    passed, digits, dialled = run.start(), 0, False
    for group in _DIGITS.finditer(text, run.start(), run.end()):
        start, end = group.span()
        if start < passed:
            continue
        other = None if dialled and digits < FEWEST_DIGITS else _other(text, start)
        stroke = segment and not dialled and "/" in text[segment[-1][1] : start]
        if other or stroke or end - start > MOST_DIGITS:
            yield segment
            segment, digits, dialled = [], 0, False
        if other or end - start > MOST_DIGITS:
            passed = other or end
            continue
        segment.append((start, end))
        digits += end - start
        dialled = dialled or _dialled(text, start, end)
    yield segment


def _other(text: str, at: int) -> int | None:
    """Where that ends which stands at ``at`` and is no part of a phone number, if it does."""
    found = _OTHER.match(text, at)
    if found is None and _CURRENCY_BEFORE.search(text, max(0, at - 8), at):
        found = _PRICE.match(text, at)
    return found.end() if found else None


def _phone(text: str, groups: list[Span]) -> Span | None:
    """What of the groups is a phone number: those that stand in no word and no time of day."""
    first, last = 0, len(groups)
    while first < last and not _may_begin(text, groups[first][0]):
        first += 1
    extension = None
    while first < last:
        extension = _EXTENSION.match(text, groups[last - 1][1])
        if extension or _may_end(text, groups[last - 1][1]):
            break
        last -= 1
    groups = groups[first:last]
    if sum(end - start for start, end in groups) < FEWEST_DIGITS:
        return None
    start, end = groups[0][0], extension.end() if extension else groups[-1][1]
    return start - _plus(text, start), end


def _dialled(text: str, start: int, end: int) -> bool:
    """Whether a number that begins so, and in no word, is written as one dials it; it may go on as 030/1234567 or
    +49 30.1234567."""
    return ((text[start] == "0" and end - start > 1) or _plus(text, start)) and _may_begin(text, start)


def _plus(text: str, at: int) -> bool:
    return text.startswith(_PLUS, max(0, at - 1), at)


def _may_begin(text: str, at: int) -> bool:
    at -= _plus(text, at)
    before = text[max(0, at - 2) : at]
    return not _WITHIN.search(before) or bool(_ESCAPED.fullmatch(before))


def _may_end(text: str, at: int) -> bool:
    return not re.match(r"\w|:\d", text[at : at + 2])

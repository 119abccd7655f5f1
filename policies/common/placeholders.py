"""Placeholders such as ``[EMAIL_1]`` for pieces of a text, and the way back from them, piece by piece of a stream."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping

#: As a model may write one: in any case, with a space or a Markdown-escaped underscore (twice escaped within JSON).
UNDERSCORES = re.compile(r"\\{0,2}_| ")
LONGEST = 160
BRACKETED = re.compile(rf"\[([^\[\]]{{1,{LONGEST}}})\]")
ESCAPED_HALF = re.compile(r"\\{1,2}\Z")
MOST_DIGITS = 9
SURROGATE = re.compile("[\ud800-\udfff]")


class Placeholders:
    """Gives each piece of text one placeholder, and none that ``texts`` already hold in any spelling."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._taken = {_plain(inner) for inner in BRACKETED.findall("".join(text for text in texts if text))}
        self._given: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, piece: str, kind: str) -> str:
        """The placeholder that stands for ``piece``; ``kind`` tells the model what it is."""
        known = self._given.get(piece)
        if known is None:
            known = self._given[piece] = self._free(label(kind))
        return f"[{known}]"

    @property
    def originals(self) -> Mapping[str, str]:
        """The pieces by placeholder, without its brackets."""
        return {name: piece for piece, name in self._given.items()}

    def _free(self, kind: str) -> str:
        while True:
            self._counts[kind] += 1
            name = f"{kind}_{self._counts[kind]}"
            if name not in self._taken:
                return name


class Originals:
    """Pieces by placeholder (``Placeholders.originals``), prepared for all texts of one reply."""

    def __init__(self, pieces: Mapping[str, str]) -> None:
        self._pieces = pieces
        self._labels = {name.rpartition("_")[0] + "_" for name in pieces}

    def of(self, inner: str) -> str | None:
        """The piece that what stands in brackets is the placeholder of, in any spelling."""
        return self._pieces.get(_plain(inner))

    def may_begin(self, tail: str) -> bool:
        """Whether ``tail``, from a bracket on, can still become a placeholder."""
        if len(tail) > LONGEST:
            return False
        begun = _plain(ESCAPED_HALF.sub("", tail[1:]))
        return any(name.startswith(begun) or _number(begun, name) for name in self._labels)


class Restorer:
    """Puts the originals back into one text that comes in pieces. ``in_json`` says that it is JSON.

    What may still become a placeholder is held back: at most ``LONGEST`` characters, from a bracket on.
    """

    def __init__(self, originals: Originals, *, in_json: bool = False) -> None:
        self._originals = originals
        self._in_json = in_json
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be given on, now that ``text`` has come."""
        text = self._held + text
        at = text.rfind("[")
        self._held = text[at:] if at >= 0 and self._originals.may_begin(text[at:]) else ""
        return self.whole(text[: len(text) - len(self._held)])

    def flush(self) -> str:
        """What was held back, as nothing more comes."""
        held, self._held = self._held, ""
        return held

    def whole(self, text: str) -> str:
        """A whole text with its originals; a placeholder that was never given stays."""
        return BRACKETED.sub(self._original, text)

    def _original(self, match: re.Match[str]) -> str:
        piece = self._originals.of(match[1])
        if piece is None:
            return match[0]
        return quoted(piece)[1:-1] if self._in_json else piece


def label(kind: str) -> str:
    """``customer-number`` as CUSTOMER_NUMBER: ASCII, so that no provider writes it otherwise within JSON."""
    return re.sub(r"[^A-Z0-9]+", "_", kind.upper()).strip("_") or "PERSONAL"


def quoted(text: str) -> str:
    """``text`` as JSON, readable, unless it holds what UTF-8 can't carry."""
    return json.dumps(text, ensure_ascii=bool(SURROGATE.search(text)))


def _plain(inner: str) -> str:
    return UNDERSCORES.sub("_", inner.upper())


def _number(begun: str, name: str) -> bool:
    digits = begun.removeprefix(name)
    return begun.startswith(name) and digits.isdecimal() and len(digits) <= MOST_DIGITS

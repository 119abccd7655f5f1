"""Hears from an answer's first letters whether it is a gap: one that says that the passages don't answer."""

from __future__ import annotations

import re

GAP = "Gap:"
#: A model may set the word in bold, or as a quotation.
SAID = re.compile(r"[\s*_>\"'`#]{0,20}gap\s?[*_]{0,3}\s?:[*_]{0,3}[ \t]?", re.IGNORECASE)
BEGUN = re.compile(r"[\s*_>\"'`#]{0,20}(?:g(?:a(?:p(?:\s?[*_]{0,3}\s?(?::[*_]{0,3})?)?)?)?)?", re.IGNORECASE)


class GapGate:
    """Holds an answer's beginning back until it is known; ``is_gap`` is None till then."""

    def __init__(self) -> None:
        self.is_gap: bool | None = None
        self._held = ""

    def hear(self, text: str, *, last: bool = False) -> str:
        """What can be given on; a gap begins with ``Gap:``, however it was set."""
        if self.is_gap is not None:
            return text
        self._held += text
        if not last and BEGUN.fullmatch(self._held):
            return ""
        said = SAID.match(self._held)
        self.is_gap = said is not None
        given, self._held = self._held, ""
        return given if said is None else f"{GAP} {given[said.end() :].lstrip()}"


def is_gap(text: str) -> bool:
    """Whether a whole answer is one."""
    return SAID.match(text) is not None


def as_gap(text: str) -> str:
    """``text`` as a gap's words."""
    said = SAID.match(text)
    return f"{GAP} {text[said.end() if said else 0 :].strip()}".strip()

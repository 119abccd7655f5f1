"""A caller's context as data: what of it are facts, how much of it is looked at, and that it stays in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

#: Keys of the context that steer the gateway.
STEERING = frozenset({"conversation_id", "conversation_history", "knowledge_base"})
DEEPEST, MOST_KEYS = 12, 10_000
UNSEEN = "[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*"


def _letters(word: str) -> str:
    """The word in plain or full-width letters, with what is not seen between them."""
    return UNSEEN.join(f"[{letter}{chr(ord(letter) + 0xFEE0)}]" for letter in word)


MARKER = re.compile(rf"({_letters('BEGIN')}|{_letters('END')})[\W_]{{1,9}}{_letters('DATA')}", re.IGNORECASE)


def facts(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context without what steers the gateway; of a context of very many keys the first."""
    return {key: value for key, value in islice(context.items(), MOST_KEYS) if key not in STEERING}


def block(text: str) -> str:
    """``text`` between the lines that the system prompt speaks of."""
    return f"BEGIN DATA\n{unmarked(text)}\nEND DATA"


def unmarked(text: str) -> str:
    """``text`` with markers broken that are not ours, so that it can neither begin nor end a block of data."""
    if text.isascii() and "data" not in text.lower():  # nothing unseen in it, and no second half of a marker
        return text
    return MARKER.sub(r"\1-DATA", text)


def pruned(value: Any, room: int) -> Any:
    """``value`` as far as it goes in about ``room`` characters of JSON, at a cost that grows with ``room`` only."""
    return _Pruner(room).taken(value, DEEPEST)


class _Pruner:
    """Takes in what there is room for."""

    def __init__(self, room: int) -> None:
        self._left = room

    def taken(self, value: Any, depth: int) -> Any:
        self._left -= 2
        if isinstance(value, str):
            value = value[: max(0, self._left)]
            self._left -= len(value)
        elif isinstance(value, dict):
            return self._object(value, depth)
        elif isinstance(value, list):
            return self._list(value, depth)
        return value

    def _object(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, inner in value.items():
            if self._left <= 0 or depth == 0:
                break
            self._left -= len(key) + 2
            made[key] = self.taken(inner, depth - 1)
        return made

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        made = []
        for inner in value:
            if self._left <= 0 or depth == 0:
                break
            made.append(self.taken(inner, depth - 1))
        return made

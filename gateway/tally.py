"""How often the assistant answered in which way, since the process started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


class Tally:
    """Counts the Ivy replies that were rendered. Modal types are configuration, so that the names are few."""

    def __init__(self) -> None:
        self._conversational = 0
        self._modal: Counter[str] = Counter()
        self._maybe: Counter[str] = Counter()
        self._source: Counter[str] = Counter()

    def count(self, notes: Mapping[str, Any]) -> None:
        """Take in one reply by what its policies noted."""
        if "modal" in notes:
            self._modal[notes["modal"]["type"]] += 1
            self._source[notes.get("modal_source", "model")] += 1
            return
        self._conversational += 1
        if "maybe_modal" in notes:
            self._maybe[notes["maybe_modal"]["type"]] += 1

    def report(self) -> dict[str, Any]:
        """``conversational`` and ``modal`` replies, the latter ``by_type``, ``maybe`` by type, and ``payload_from``:
        the model, the model when asked again (``repaired``), or the context alone."""
        return {
            "conversational": self._conversational,
            "modal": self._modal.total(),
            "by_type": dict(self._modal),
            "maybe": dict(self._maybe),
            "payload_from": dict(self._source),
        }

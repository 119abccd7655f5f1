"""Which choices of a streamed chat have begun, and which have given their finish reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.contract import Call


class Finishes:
    """Takes in chunks' choices. ``expected`` is how many choices were asked for; a provider may give fewer."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._open: set[int] = set()
        self._done: set[int] = set()

    @classmethod
    def of(cls, call: Call) -> Finishes:
        """For the choices that the call asks for."""
        return cls(call.params.get("n") or 1)

    def note(self, choices: Iterable[Mapping[str, Any]]) -> None:
        """Take in one chunk's choices."""
        for choice in choices:
            index = choice.get("index", 0)
            if choice.get("finish_reason"):
                self._done.add(index)
                self._open.discard(index)
            elif index not in self._done:
                self._open.add(index)

    @property
    def whole(self) -> bool:
        """Whether nothing that has begun is unfinished, so that the stream may end here."""
        return bool(self._done) and not self._open

    @property
    def over(self) -> bool:
        """Whether all that was asked for has finished, so that nothing more of the answer is to come."""
        return self.whole and len(self._done) >= self._expected

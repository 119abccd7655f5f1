"""Hears a model's answer as it comes: whether it is a gap, and what it cites."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Passage
from policies.knowledge.citations import Citations
from policies.knowledge.gap import GapGate


class Hearing:
    """Of an answer that was made of ``passages``."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._gate = GapGate()
        self._citations = Citations(len(passages))

    def hear(self, text: str, *, last: bool = False) -> str:
        """What can be given on of the text so far; a gap cites nothing."""
        undecided = self._gate.is_gap is None
        heard = self._gate.hear(text, last=last)
        if undecided and self._gate.is_gap:
            self._citations = Citations(0)
        return self._citations.hear(heard, last=last)

    def sources(self) -> list[Passage]:
        """What the answer comes from; none for a gap."""
        return [] if self._gate.is_gap else cited(self._passages, self._citations)


def cited(passages: Sequence[Passage], citations: Citations) -> list[Passage]:
    """The passages in the order in which they were cited. An answer without citations was still made of all that were
    shown, and nobody can tell of which."""
    numbers = citations.cited or range(1, len(passages) + 1)
    return [passages[number - 1] for number in numbers]

"""Near repetitions among passages: the same page under two names, a paragraph that was copied and changed a little."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.retrieval.words import flat

#: Words in a row that are compared; the share of them that two passages have in common when one repeats the other.
SHINGLE = 3
ALIKE = 0.7


class Repetitions:
    """Remembers what was taken."""

    def __init__(self) -> None:
        self._taken: list[frozenset[int]] = []

    def take(self, text: str) -> bool:
        """Whether ``text`` is none of those taken before, nearly; if so it is one of them now. Linear in the text."""
        shingles = frozenset(_shingles(flat(text).split()))
        if any(_alike(shingles, other) for other in self._taken):
            return False
        self._taken.append(shingles)
        return True


def _alike(left: frozenset[int], right: frozenset[int]) -> bool:
    """Jaccard's measure, or the same of the shorter one where it stands whole in the other."""
    common = len(left & right)
    shorter = min(len(left), len(right))
    return common >= ALIKE * (len(left) + len(right) - common) or common >= 0.95 * shorter > 0


def _shingles(words: list[str]) -> Iterable[int]:
    if len(words) < SHINGLE:
        yield hash(tuple(words))
    for start in range(len(words) - SHINGLE + 1):
        yield hash(tuple(words[start : start + SHINGLE]))

"""The labelled questions, and their two halves: one to fit the score's formula, one to judge it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import yaml

HERE = Path(__file__).parent
#: Of kinds of questions: those that nothing answers, and those that nothing is promised of.
NOT_COVERED = "not_covered"
OBLIQUE = "oblique"


class Question(NamedTuple):
    """``right`` are the labels of the documents that answer it; none where nothing does."""

    text: str
    kind: str
    right: frozenset[str]

    @property
    def fits(self) -> bool:
        """Whether it belongs to the half that coefficients are fitted on; by a hash, so that a new question moves no
        other. The other half is judged only."""
        return self.kind != OBLIQUE and hashlib.sha256(self.text.encode()).digest()[0] % 2 == 1

    @property
    def promised(self) -> bool:
        """Whether it counts for the promises."""
        return self.kind != OBLIQUE


def load(name: str) -> list[Question]:
    """Those of the file ``name``, in its order: kinds, in them questions, with their labels."""
    kinds: dict[str, dict[str, list[str]]] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return [Question(text, kind, frozenset(right)) for kind, asked in kinds.items() for text, right in asked.items()]

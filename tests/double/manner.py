"""In what manner the double answers: what it makes of an answer whose beginning it is given, and in which pieces."""

import re
from dataclasses import dataclass
from typing import Literal

REPEAT = re.compile(r"repeat:(\d{1,4})")
WORD = re.compile(r"\S+")
PLAIN = ("continue", "restart", "ignore")

Prefill = Literal["take", "refuse"]

#: Sixty words, some of them with letters and marks of more than one byte.
CANON = (
    "Trust is earned on bad days: when a façade cracks, the café's till fails, or Zoë's train stands still, what "
    "counts is who steps in — promptly, completely. A naïve helper starts over; a good one listens, finds the "
    "half-said sentence, and finishes it. Nobody hears the seam. 信頼 grows slowly, costs little (perhaps €5), and "
    "leaves if words vanish."
)


@dataclass(frozen=True, slots=True)
class Manner:
    """`continuation`: what follows a request to go on with an answer that has begun. `continue`: exactly the rest;
    `restart`: the whole answer; `repeat:N`: the rest, after the last N words of what was there; `ignore`: the last
    user message is answered as usual. `prefill`: whether a request that ends with an answer's beginning is taken.
    `piece_chars`: characters of a stream's pieces, 0 for a word each.
    """

    continuation: str = "continue"
    prefill: Prefill = "take"
    piece_chars: int = 0

    def __post_init__(self) -> None:
        if self.continuation not in PLAIN and not REPEAT.fullmatch(self.continuation):
            raise ValueError(f"continuation: {self.continuation!r} is none of {', '.join(PLAIN)}, repeat:N")

    def rest(self, whole: str, begun: str) -> str:
        """What is said of `whole` to who has `begun`, a prefix of it. Not for `ignore`."""
        if self.continuation == "restart":
            return whole
        repeated = REPEAT.fullmatch(self.continuation)
        if repeated is None or not int(repeated[1]):
            return whole[len(begun) :]
        starts = [word.start() for word in WORD.finditer(begun)][-int(repeated[1]) :]
        return whole[starts[0] if starts else len(begun) :]

    def cut(self, pieces: list[str]) -> list[str]:
        """The pieces that a stream sends."""
        if not self.piece_chars:
            return pieces
        text = "".join(pieces)
        return [text[start : start + self.piece_chars] for start in range(0, len(text), self.piece_chars)]

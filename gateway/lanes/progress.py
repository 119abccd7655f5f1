"""How far a streamed answer has come, whichever wire it comes on."""

from __future__ import annotations

from gateway.contract import Call
from gateway.upstream.finishes import Finishes


class Progress:
    """What a wire notes of each event.

    ``brought`` counts the pieces of text, refusal or calls that have come; ``tokens`` is how many tokens the
    provider counted of them, without its reasoning, once all is said. ``complete`` is that the finish reasons and
    the usage have come: nothing more is waited for.
    """

    def __init__(self, finishes: Finishes) -> None:
        self.finishes = finishes
        self.brought = 0
        self.tokens: int | None = None
        self.complete = False

    @classmethod
    def of(cls, call: Call) -> Progress:
        """For the choices that the call asks for."""
        return cls(Finishes.of(call))

    @property
    def finished(self) -> bool:
        """Whether every choice that began has given its finish reason, so that the end may come."""
        return self.finishes.whole

    @property
    def over(self) -> bool:
        """Whether all that was asked for has finished."""
        return self.finishes.over

    def count(self, tokens: int | None) -> None:
        """Take in a usage. Some providers count up with each event, so that only the last one tells."""
        if self.finishes.over:
            self.tokens, self.complete = tokens, True

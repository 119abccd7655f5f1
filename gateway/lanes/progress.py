"""How far a streamed answer has come, whichever wire it comes on."""

from __future__ import annotations

from collections.abc import Sized

from gateway.contract import Call
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.finishes import Finishes

#: More choices than anyone asks for; each would cost its translation.
MOST_CHOICES = 128


def check_count(choices: Sized) -> None:
    """Raises Failure for more choices than any request has."""
    if len(choices) > MOST_CHOICES:
        raise Failure(Kind.GARBAGE, f"the reply has over {MOST_CHOICES} choices")


def in_mid_stream(progress: Progress, failure: Failure) -> Failure:
    """Once words were said, an error is one of the stream, whatever it calls itself; a refusal stays one."""
    if not progress.brought or failure.kind is Kind.REFUSED:
        return failure
    return Failure(Kind.STREAM_ERROR, failure.message)


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

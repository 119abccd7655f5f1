"""What can go wrong with an attempt, and what follows from it: the one table.

Sources: the providers' documented errors, and what was measured of them. A failure *counts* where it says
something about the provider's health, so a caller's mistake never opens a breaker. It is *retried* on the
same deployment where a second try can help, and *falls over* where another deployment can do better.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of failure; the value is what ``X-Ivy-Fallback-Reason`` and the log say."""

    CONNECT = "connect_failed"
    RESET = "connection_lost"
    SILENT = "first_token_timeout"
    STALLED = "stalled"
    SLOW = "attempt_timeout"
    CUT = "cut"
    GARBAGE = "unreadable_reply"
    EMPTY = "empty_reply"
    STREAM_ERROR = "error_in_stream"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    BAD_KEY = "provider_key_refused"
    MODEL_GONE = "model_not_found"
    TOO_LONG = "context_too_long"
    REFUSED = "content_refused"
    REJECTED = "request_rejected"
    UNSUPPORTED = "not_supported"
    BREAKER_OPEN = "breaker_open"
    SET_ASIDE = "set_aside"
    NO_KEY = "no_provider_key"
    DEADLINE = "deadline"
    INTERNAL = "gateway_fault"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: does it count against the breaker, is it tried again here, is another deployment asked,
    and is the deployment set aside for a while, because no caller should wait for it again."""

    counts: bool
    retry: bool
    fall_over: bool
    set_aside: bool = False


#                                counts retry  fall_over
RULES: dict[Kind, Rule] = {
    Kind.CONNECT:           Rule(True,  True,  True),
    Kind.RESET:             Rule(True,  True,  True),
    Kind.SILENT:            Rule(True,  False, True),
    Kind.STALLED:           Rule(True,  False, True),
    Kind.SLOW:              Rule(True,  False, True),
    Kind.CUT:               Rule(True,  True,  True),
    Kind.GARBAGE:           Rule(True,  True,  True),
    Kind.EMPTY:             Rule(True,  True,  True),
    Kind.STREAM_ERROR:      Rule(True,  True,  True),
    Kind.SERVER_ERROR:      Rule(True,  True,  True),
    Kind.OVERLOADED:        Rule(True,  True,  True),
    Kind.RATE_LIMITED:      Rule(True,  False, True),
    # A configuration alarm, not an outage: logged as an ERROR, and nobody waits for it again.
    Kind.BAD_KEY:           Rule(False, False, True, set_aside=True),
    Kind.MODEL_GONE:        Rule(False, False, True, set_aside=True),
    # Another model may have the window; if none has, the provider's 400 is passed on.
    Kind.TOO_LONG:          Rule(False, False, True),
    # A refusal is an answer: routing around it would make the provider's policy void.
    Kind.REFUSED:           Rule(False, False, False),
    Kind.REJECTED:          Rule(False, False, False),
    # Known before the call is made: this deployment can't carry this request.
    Kind.UNSUPPORTED:       Rule(False, False, True),
    Kind.BREAKER_OPEN:      Rule(False, False, True),
    Kind.SET_ASIDE:         Rule(False, False, True),
    Kind.NO_KEY:            Rule(False, False, True),
    # The request's own time was up; what was left for this attempt is no measure of the provider.
    Kind.DEADLINE:          Rule(False, False, False),
    # Our own fault says nothing of the provider; a deployment in another lane may still answer.
    Kind.INTERNAL:          Rule(False, False, True),
}  # fmt: skip


class Failure(Exception):
    """An attempt that failed.

    ``message`` is for the log and, for kinds that are the caller's to mend, for the caller: it is cleaned of
    keys and addresses before it gets here. ``status`` is the provider's HTTP status, ``retry_after`` in seconds.
    """

    def __init__(
        self,
        kind: Kind,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{kind}: {message}" if message else str(kind))
        self.kind = kind
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.retry_after = retry_after

    @property
    def rule(self) -> Rule:
        """The row of the table that applies."""
        return RULES[self.kind]


_BY_STATUS = {
    401: Kind.BAD_KEY,
    403: Kind.BAD_KEY,
    404: Kind.MODEL_GONE,
    408: Kind.OVERLOADED,
    409: Kind.OVERLOADED,
    429: Kind.RATE_LIMITED,
    503: Kind.OVERLOADED,
    529: Kind.OVERLOADED,
}
_TOO_LONG = ("context_length_exceeded", "maximum context length", "exceeds the maximum number of tokens")
_BAD_KEY = ("api_key_invalid", "api key not valid", "api key expired", "invalid_api_key")
_REFUSED = ("content_policy", "content_filter", "safety system", "responsible ai")


def classify(status: int, text: str = "", code: str = "") -> Kind:
    """The kind of a provider's HTTP error. ``text`` is its body or message; only well-known words count."""
    words = f"{code} {text}".lower()
    if status == 400 or status in (413, 422):
        for kind, marks in ((Kind.BAD_KEY, _BAD_KEY), (Kind.TOO_LONG, _TOO_LONG), (Kind.REFUSED, _REFUSED)):
            if any(mark in words for mark in marks):
                return kind
        return Kind.REJECTED
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return Kind.GARBAGE
    return Kind.SERVER_ERROR if status >= 500 else Kind.REJECTED

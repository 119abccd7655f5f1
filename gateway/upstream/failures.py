"""What can go wrong with an attempt, and what follows from it: the one table.

Sources: the providers' documented errors, and what was measured of them. A failure *counts* where it says
something about the provider's health, so a caller's mistake never opens a breaker. It is *retried* on the
same deployment where a second try can help, and *falls over* where another deployment can do better.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of failure; the value is what ``X-Ivy-Fallback-Reason`` and the log say."""

    CONNECT = "connect_failed"
    RESET = "connection_lost"
    SILENT = "first_token_timeout"
    STALLED = "stalled"
    SLOW = "attempt_timeout"
    HURRIED = "hurried"
    CUT = "cut"
    GARBAGE = "unreadable_reply"
    EMPTY = "empty_reply"
    STREAM_ERROR = "error_in_stream"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    BAD_KEY = "provider_key_refused"
    MODEL_GONE = "model_not_found"
    FORBIDDEN = "provider_forbids"
    ODD = "unexpected_status"
    TOO_LONG = "context_too_long"
    REFUSED = "content_refused"
    REJECTED = "request_rejected"
    UNSUPPORTED = "not_supported"
    BUSY = "gateway_busy"
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
    # A policy had less time than a provider may take.
    Kind.HURRIED:           Rule(False, False, True),
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
    # No permission, not in this country, or a status that nobody expects: another provider may do better.
    Kind.FORBIDDEN:         Rule(False, False, True),
    Kind.ODD:               Rule(False, False, True),
    # Another model may have the window; if none has, the provider's 400 is passed on.
    Kind.TOO_LONG:          Rule(False, False, True),
    # A refusal is an answer: routing around it would make the provider's policy void.
    Kind.REFUSED:           Rule(False, False, False),
    Kind.REJECTED:          Rule(False, False, False),
    # Known before the call is made: this deployment can't carry this request.
    Kind.UNSUPPORTED:       Rule(False, False, True),
    # Our own connections are all in use, which says nothing of the provider.
    Kind.BUSY:              Rule(False, False, False),
    Kind.BREAKER_OPEN:      Rule(False, False, True),
    Kind.SET_ASIDE:         Rule(False, False, True),
    Kind.NO_KEY:            Rule(False, False, True),
    # The request's own time was up; what was left for this attempt is no measure of the provider.
    Kind.DEADLINE:          Rule(False, False, False),
    # Our own fault says nothing of the provider; once more, or a deployment in another lane, may still answer.
    Kind.INTERNAL:          Rule(False, True, True),
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
    402: Kind.BAD_KEY,  # no credit left: the account's, not the request's
    403: Kind.FORBIDDEN,
    408: Kind.OVERLOADED,
    409: Kind.OVERLOADED,
    410: Kind.MODEL_GONE,
    429: Kind.RATE_LIMITED,
    503: Kind.OVERLOADED,
    529: Kind.OVERLOADED,
}
#: Machine-readable words of the providers' errors: OpenAI's ``code``, Google's ``status`` and ``reason``. What
#: follows from these reaches beyond the request, so that no text, which can quote the caller, decides it.
_BY_CODE = {
    "api_key_invalid": Kind.BAD_KEY,
    "invalid_api_key": Kind.BAD_KEY,
    "failed_precondition": Kind.FORBIDDEN,  # Gemini's word for: not in this country, not without billing
    "context_length_exceeded": Kind.TOO_LONG,
    "content_policy_violation": Kind.REFUSED,
    "content_filter": Kind.REFUSED,
}
_GONE = frozenset({"model_not_found", "not_found", "notfounderror"})
#: Gemini has no code for it; to be wrong costs a second opinion at most.
_TOO_LONG = ("maximum context length", "exceeds the maximum number of tokens")


def classify(status: int, codes: Iterable[str] = (), text: str = "") -> Kind:
    """The kind of a provider's HTTP error, from its machine-readable ``codes`` and, for length only, its text."""
    words = [code.lower() for code in codes]
    if status == 404:
        return Kind.MODEL_GONE if _GONE.intersection(words) else Kind.ODD
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status in (400, 413, 422):
        if any(mark in text.lower() for mark in _TOO_LONG):
            return Kind.TOO_LONG
        return next((_BY_CODE[word] for word in words if word in _BY_CODE), Kind.REJECTED)
    if 300 <= status < 400:
        return Kind.GARBAGE
    return Kind.SERVER_ERROR if status >= 500 else Kind.ODD

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
    UNFINISHED = "unfinished"
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
    DIVERGED = "answered_anew"
    NO_STREAM = "does_not_stream"
    DEADLINE = "deadline"
    INTERNAL = "gateway_fault"


class Retry(StrEnum):
    """Whether the same deployment is tried again: not, soon and with jitter, or when the provider says."""

    NEVER = "never"
    SOON = "soon"
    TOLD = "when told"


NEVER, SOON, TOLD = Retry.NEVER, Retry.SOON, Retry.TOLD


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: does it count against the breaker, is it tried again here, is another deployment asked,
    and is the deployment set aside for a while, because no caller should wait for it again."""

    counts: bool
    retry: Retry
    fall_over: bool
    set_aside: bool = False


#                            counts retry  fall_over
RULES: dict[Kind, Rule] = {
    Kind.CONNECT:           Rule(True,  SOON,  True),
    Kind.RESET:             Rule(True,  SOON,  True),
    Kind.SILENT:            Rule(True,  NEVER, True),
    Kind.STALLED:           Rule(True,  NEVER, True),
    Kind.SLOW:              Rule(True,  NEVER, True),
    # A policy had less time than a provider may take.
    Kind.HURRIED:           Rule(False, NEVER, True),
    Kind.CUT:               Rule(True,  SOON,  True),
    Kind.UNFINISHED:        Rule(True,  SOON,  True),
    Kind.GARBAGE:           Rule(True,  SOON,  True),
    Kind.EMPTY:             Rule(True,  SOON,  True),
    Kind.STREAM_ERROR:      Rule(True,  SOON,  True),
    Kind.SERVER_ERROR:      Rule(True,  SOON,  True),
    Kind.OVERLOADED:        Rule(True,  SOON,  True),
    Kind.RATE_LIMITED:      Rule(True,  TOLD,  True),
    # A configuration alarm, not an outage: logged as an ERROR, and nobody waits for it again.
    Kind.BAD_KEY:           Rule(False, NEVER, True, set_aside=True),
    Kind.MODEL_GONE:        Rule(False, NEVER, True, set_aside=True),
    # No permission, not in this country, or a status that nobody expects: another provider may do better.
    Kind.FORBIDDEN:         Rule(False, NEVER, True),
    Kind.ODD:               Rule(False, NEVER, True),
    # Another model may have the window: one that is known to have a larger one, or whose window nobody knows. If none
    # has, the provider's 400 is passed on.
    Kind.TOO_LONG:          Rule(False, NEVER, True),
    # A refusal is an answer: routing around it would make the provider's policy void. The model's entry in
    # content_policy_fallbacks, where an operator wrote one, is asked all the same.
    Kind.REFUSED:           Rule(False, NEVER, False),
    Kind.REJECTED:          Rule(False, NEVER, False),
    # Known before the call is made: this deployment can't carry this request.
    Kind.UNSUPPORTED:       Rule(False, NEVER, True),
    # Our own connections are all in use, which says nothing of the provider.
    Kind.BUSY:              Rule(False, NEVER, False),
    Kind.BREAKER_OPEN:      Rule(False, NEVER, True),
    Kind.SET_ASIDE:         Rule(False, NEVER, True),
    Kind.NO_KEY:            Rule(False, NEVER, True),
    # Asked to go on with a broken answer, it began another one, which says nothing of its health.
    Kind.DIVERGED:          Rule(False, NEVER, True),
    # It refuses to stream what is gathered here; it is asked for the whole at once.
    Kind.NO_STREAM:         Rule(False, SOON,  True),
    # The request's own time was up; what was left for this attempt is no measure of the provider.
    Kind.DEADLINE:          Rule(False, NEVER, False),
    # Our own fault says nothing of the provider; once more, or a deployment in another lane, may still answer.
    Kind.INTERNAL:          Rule(False, SOON,  True),
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

"""What a caller is told when no deployment answered."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway.contract import (
    Call,
    GatewayError,
    InvalidRequest,
    RateLimited,
    Unavailable,
    UpstreamRejected,
)
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

#: The provider's own word on the request: it helps the caller more than ours.
CALLERS = frozenset({Kind.REJECTED, Kind.REFUSED, Kind.TOO_LONG, Kind.UNSUPPORTED})
#: Where a provider says so, nobody else is asked.
FINAL = frozenset({Kind.REJECTED, Kind.REFUSED})
LONGEST_WAIT = 60.0


def verdict(
    call: Call, failures: Sequence[tuple[Deployment, Failure]], seconds_left: float, settled: Failure | None = None
) -> GatewayError:
    """The error that tells a caller what to do: mend the request, come back later, or tell the operator. ``settled``
    is the failure that ended the search, where one did."""
    if settled is not None and settled.kind in FINAL:
        return rejected(settled)
    kinds = [failure.kind for _, failure in failures]
    asked = [failure for _, failure in failures if failure.kind is not Kind.NO_KEY]
    if asked and all(failure.kind in CALLERS for failure in asked):
        return rejected(asked[0])
    reasons = "; ".join(dict.fromkeys(f"{d.group}: {_words(failure)}" for d, failure in failures))
    waits = [failure.retry_after for _, failure in failures if failure.retry_after is not None]
    wait = math.ceil(min(max(1.0, min(waits, default=seconds_left)), LONGEST_WAIT))
    if kinds and all(kind is Kind.RATE_LIMITED for kind in kinds):
        return RateLimited(
            f"The providers are over their rate limits ({reasons}). Try again in {wait} s.", retry_after=wait
        )
    if kinds and all(kind in (Kind.NO_KEY, Kind.BAD_KEY, Kind.MODEL_GONE, Kind.SET_ASIDE) for kind in kinds):
        message = f"The gateway's configuration keeps {call.model!r} from answering ({reasons}). Tell its operator."
        return Unavailable(message, code="provider_misconfigured", retry_after=LONGEST_WAIT)
    return Unavailable(f"No model could answer ({reasons}). Try again in {wait} s.", retry_after=wait)


def rejected(failure: Failure) -> GatewayError:
    """The provider's own word on the request, as it is told to the caller."""
    message = failure.message or "The provider refused this request."
    if failure.kind is Kind.UNSUPPORTED:
        return InvalidRequest(message, code=failure.code or "not_supported", param=failure.param)
    code = failure.code or {Kind.TOO_LONG: "context_length_exceeded", Kind.REFUSED: "content_policy_violation"}.get(
        failure.kind, "invalid_request"
    )
    status = failure.status if failure.status in (400, 413, 422) else 400
    # OpenAI's clients know no 422, so that what other providers call so is told in OpenAI's terms.
    return UpstreamRejected(message, status=400 if status == 422 else status, code=code, param=failure.param)


def _words(failure: Failure) -> str:
    return f"{failure.kind}, {failure.message}" if failure.kind is Kind.NO_KEY else str(failure.kind)

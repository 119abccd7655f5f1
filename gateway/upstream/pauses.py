"""How long a deployment is left alone before it is asked once more, for one request."""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway.settings.schema import Retries
from gateway.upstream.failures import Failure, Retry

#: A 429 without a time of its own is waited for longer than a lost connection: in so many times the usual pause.
RATE_LIMIT_FACTOR = 5


@dataclass(slots=True)
class Pauses:
    """The pauses on one deployment, for one request."""

    retries: Retries
    tries: int = 0

    def after(self, failure: Failure, waits: float) -> float | None:
        """Seconds until another try; None where the deployment is not to be tried again. Call it once a try.
        ``waits`` is how many seconds may be waited where a provider says when, or should have said."""
        self.tries += 1
        retry = failure.rule.retry
        if retry is Retry.SOON and failure.retry_after is None:
            return self._soon() if self.tries < self.retries.tries else None
        if retry is Retry.NEVER:
            return None
        most = self.retries.rate_limit_tries if retry is Retry.TOLD else self.retries.tries
        wait = self._back_off() if failure.retry_after is None else failure.retry_after
        return wait if self.tries < most and 0 < waits >= wait else None

    def _soon(self) -> float:
        """Full jitter, as the field does it, so that callers who failed together don't return together."""
        return random.uniform(0, self.retries.backoff_seconds * 2 ** (self.tries - 1))

    def _back_off(self) -> float:
        longest = RATE_LIMIT_FACTOR * self.retries.backoff_seconds * 2 ** (self.tries - 1)
        return random.uniform(longest / 2, longest)

"""Admission: requests per user, counted in sliding windows by the ``limits`` library."""

from __future__ import annotations

import math
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.contract import Identity, RateLimited
from gateway.settings.schema import Limits
from gateway.window_storage import WindowStorage

#: In seconds; more than the rounding error of a time since 1970, divided and multiplied again.
HAIR = 1e-5
#: Requests in the previous window and the seconds it still counts, those in this one and the seconds it counts.
Counts = tuple[int, float, int, float]


@dataclass(frozen=True, slots=True)
class Window:
    """What a caller has left: ``limit`` and ``remaining`` in requests, ``reset`` in seconds from now."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class Admission:
    """Two limits at once: per minute, and in a burst. A refused request is not counted against either.

    The storage never waits, so the checks and the hit are one step to the event loop, and its cost does not grow
    with the number of users.
    """

    def __init__(self, limits: Limits) -> None:
        self._storage = WindowStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._minute = RateLimitItemPerMinute(limits.per_minute)
        self._burst = RateLimitItemPerSecond(limits.burst, limits.burst_seconds)

    def admit(self, identity: Identity) -> Window:
        """Count one request of this caller; raises RateLimited, saying when to come back."""
        subject = identity.subject
        counts = self._counts(self._minute, subject)
        count, _, _ = _weighed(self._minute, counts)
        if count >= self._minute.amount:
            raise self._refusal(self._minute, self._burst, subject)
        if not self._limiter.hit(self._burst, subject):
            raise self._refusal(self._burst, self._minute, subject)
        self._limiter.hit(self._minute, subject)
        before, before_left, now, now_left = counts
        return _window(self._minute, (before, before_left, now + 1, now_left))

    def _counts(self, item: RateLimitItem, subject: str) -> Counts:
        return self._storage.get_sliding_window(item.key_for(subject), item.get_expiry())

    def _refusal(self, over_it: RateLimitItem, other: RateLimitItem, subject: str) -> RateLimited:
        """Speaks of the limit that lasts longest: who comes back when the other is over would be refused again."""
        over = [over_it] if self._limiter.test(other, subject) else [other, over_it]
        windows = ((item, _window(item, self._counts(item, subject))) for item in over)
        item, window = max(windows, key=lambda pair: pair[1].reset)
        seconds = max(1, window.reset)
        message = f"You may send {item.amount} requests in {item.get_expiry()} seconds. Try again in {seconds} s."
        return RateLimited(message, retry_after=seconds, headers=window.headers())


def _window(item: RateLimitItem, counts: Counts) -> Window:
    count, wait, window_end = _weighed(item, counts)
    # A request fits only after the count has fallen below the limit, so a hair after ``wait``.
    reset = math.ceil(wait + HAIR) if wait else math.ceil(window_end)
    return Window(item.amount, max(0, item.amount - math.floor(count)), reset)


def _weighed(item: RateLimitItem, counts: Counts) -> tuple[float, float, float]:
    """The weighted count, the seconds until one more request fits (0 if now), and until the window ends.

    ``limits`` estimates the last ``period`` seconds as the previous fixed window's count, weighted by the
    share of it that still lies within, plus the current window's count; this solves that for the time.
    """
    period = item.get_expiry()
    before, before_left, now, now_left = counts
    count, window_end = before * before_left / period + now, now_left - period
    if count < item.amount:
        return count, 0.0, window_end
    if now < item.amount:  # enough of the previous window slides out before this one ends
        return count, before_left - (item.amount - now) * period / before, window_end
    return count, window_end + period * (1 - item.amount / now), window_end

"""Admission: requests per user and per key, counted in sliding windows by the ``limits`` library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.contract import Identity, RateLimited
from gateway.settings.keys import Key
from gateway.settings.schema import Limits
from gateway.window_storage import WindowStorage

#: In seconds; more than the rounding error of a time since 1970, divided and multiplied again.
HAIR = 1e-5
#: Requests in the previous window and the seconds it still counts, those in this one and the seconds it counts.
Counts = tuple[int, float, int, float]
#: What is counted, and under which name.
Limit = tuple[RateLimitItem, str]
KEY = "key\0"


@dataclass(frozen=True, slots=True)
class Window:
    """What a caller has left: ``limit`` and ``remaining`` in requests, ``reset`` in seconds from now. ``key`` is the
    same of its key, where that has a limit of its own."""

    limit: int
    remaining: int
    reset: int
    key: Window | None = None

    def headers(self) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers, and OpenAI's of a key's limit."""
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }
        if self.key is not None:
            headers["x-ratelimit-limit-requests"] = str(self.key.limit)
            headers["x-ratelimit-remaining-requests"] = str(self.key.remaining)
            headers["x-ratelimit-reset-requests"] = f"{self.key.reset}s"
        return headers


class Admission:
    """Several limits at once: a user's per minute and in a burst, a key's per minute. A refused request is not counted
    against any.

    A key's own limit stands in place of the settings', but for a user whom the caller names beside the key: such
    users are counted one by one as well. The storage never waits, so the checks and the hit are one step to the event
    loop, and its cost does not grow with the number of users.
    """

    def __init__(self, limits: Limits) -> None:
        self._storage = WindowStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._minute = RateLimitItemPerMinute(limits.per_minute)
        self._burst = RateLimitItemPerSecond(limits.burst, limits.burst_seconds)

    def admit(self, identity: Identity, key: Key | None = None) -> Window:
        """Count one request of this caller; raises RateLimited, saying when to come back."""
        subject = identity.subject
        if key is None or key.requests_per_minute is None:
            return self._admit([(self._minute, subject), (self._burst, subject)])
        own = (RateLimitItemPerMinute(key.requests_per_minute), KEY + key.name)
        if identity.user is None or key.user is not None:
            window = self._admit([own])
            return replace(window, key=window)
        window = self._admit([(self._minute, subject), own, (self._burst, subject)])
        return replace(window, key=_window(own[0], self._counts(own)))

    def _admit(self, limits: Sequence[Limit]) -> Window:
        """The window of the first of them."""
        first, *others = limits
        counts = self._counts(first)
        count, _, _ = _weighed(first[0], counts)
        if count >= first[0].amount or not self._hit(others):
            raise self._refusal(limits)
        self._limiter.hit(*first)
        before, before_left, now, now_left = counts
        return _window(first[0], (before, before_left, now + 1, now_left))

    def _hit(self, limits: Sequence[Limit]) -> bool:
        """Count one request against all of them, or against none; whether it was counted."""
        if not limits:
            return True
        *first, last = limits
        if not all(self._limiter.test(*limit) for limit in first) or not self._limiter.hit(*last):
            return False
        return all(self._limiter.hit(*limit) for limit in first)

    def _counts(self, limit: Limit) -> Counts:
        item, subject = limit
        return self._storage.get_sliding_window(item.key_for(subject), item.get_expiry())

    def _refusal(self, limits: Sequence[Limit]) -> RateLimited:
        """Speaks of the limit that lasts longest: who comes back when another is over would be refused again."""
        over = [limit for limit in limits if not self._limiter.test(*limit)] or limits
        windows = ((limit, _window(limit[0], self._counts(limit))) for limit in over)
        (item, subject), window = max(windows, key=lambda pair: pair[1].reset)
        who = "You"
        if subject.startswith(KEY):
            who, window = "This key", replace(window, key=window)
        seconds = max(1, window.reset)
        message = f"{who} may send {item.amount} requests in {item.get_expiry()} seconds. Try again in {seconds} s."
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

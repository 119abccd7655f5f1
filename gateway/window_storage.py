"""Counts of sliding windows in this process's memory, for the ``limits`` library."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from math import floor
from typing import NamedTuple

from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport

MAX_KEYS = 200_000
#: Looked at on each hit, so that what expires is gone as fast as new keys come.
SWEPT = 2


class _Counts(NamedTuple):
    """Hits in the fixed window ``window`` and in the one before it; of no use from ``expires`` (seconds) on."""

    window: int
    before: int
    now: int
    expires: float

    def at(self, index: int) -> int:
        if index == self.window:
            return self.now
        return self.before if index == self.window - 1 else 0


class WindowStorage(Storage, SlidingWindowCounterSupport):
    """The library's sliding-window arithmetic (``limits.storage.MemoryStorage``) without its timer thread.

    That thread looks at every key after each hit, which costs milliseconds where users are many. Here a hit costs
    the same however many there are: what has expired goes when it is looked at or when it has become the least
    recently used, and beyond ``max_keys`` the least recently used goes in any case. Not for several threads.
    """

    STORAGE_SCHEME = None

    def __init__(self, max_keys: int = MAX_KEYS, clock: Callable[[], float] | None = None) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._clock = clock or time.time
        self._counts: OrderedDict[str, _Counts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library wraps, if it is told to."""
        return ValueError

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Hits in the previous window and the seconds it still counts, hits in this one and its seconds."""
        now = self._clock()
        counts = self._counts.get(key)
        if counts:
            self._counts.move_to_end(key)  # to be asked is a use: who is refused must not be forgotten for it
        # Both indices as the library computes them, so that rounding falls the same way.
        before = counts.at(int((now - expiry) / expiry)) if counts else 0
        current = counts.at(int(now / expiry)) if counts else 0
        before_left = (1 - (((now - expiry) / expiry) % 1)) * expiry if before else 0.0
        return before, before_left, current, (1 - ((now / expiry) % 1)) * expiry + expiry

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` hits if the weighted count leaves room for them; whether it did."""
        before, before_left, current, _ = self.get_sliding_window(key, expiry)
        if floor(before * before_left / expiry + current) + amount > limit:
            return False
        self.incr(key, expiry, amount)
        return True

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget the key."""
        del expiry
        self._counts.pop(key, None)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count ``amount`` hits in the fixed window of ``expiry`` seconds; the hits in it."""
        now = self._clock()
        index = int(now / expiry)
        known = self._counts.get(key)
        before, current = (known.at(index - 1), known.at(index)) if known else (0, 0)
        self._counts[key] = _Counts(index, before, current + amount, (index + 2) * expiry)
        self._counts.move_to_end(key)
        self._make_room(now)
        return current + amount

    def get(self, key: str) -> int:
        """The hits in the window that was counted last, 0 where it has expired."""
        counts = self._counts.get(key)
        return counts.now if counts and counts.expires > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the key is of no use any more, in seconds since 1970; now where it is not held."""
        counts = self._counts.get(key)
        return counts.expires if counts else self._clock()

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget every key; how many there were."""
        held = len(self._counts)
        self._counts.clear()
        return held

    def clear(self, key: str) -> None:
        """Forget the key."""
        self._counts.pop(key, None)

    def _make_room(self, now: float) -> None:
        for _ in range(SWEPT):
            oldest = next(iter(self._counts))
            if len(self._counts) <= self._max_keys and self._counts[oldest].expires > now:
                return
            del self._counts[oldest]

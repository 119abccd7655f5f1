"""Circuit breakers, one per deployment: pybreaker's state machine over a window of errors, for async calls.

pybreaker forgets all errors at each success and lets callers through together when half-open. Here errors
count within a sliding window whatever happens between them, and a half-open breaker hands out one probe at
a time. A call holds a ``Token`` from before it starts until it is settled, so a stream settles at its end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pybreaker

from gateway.settings.schema import Breaker as Settings

Clock = Callable[[], float]
OnChange = Callable[[str, str, str], None]


class CountedError(Exception):
    """What is raised inside pybreaker to count a failure."""


class WindowStorage(pybreaker.CircuitMemoryStorage):
    """pybreaker's storage with a counter that is the number of errors in the last ``window`` seconds."""

    def __init__(self, size: int, window: float, clock: Clock) -> None:
        super().__init__(pybreaker.STATE_CLOSED)
        self._errors: deque[float] = deque(maxlen=size)
        self._window = window
        self._clock = clock

    def increment_counter(self) -> None:
        """Note an error now."""
        self._errors.append(self._clock())

    def reset_counter(self) -> None:
        """Nothing: a success between errors does not hide them."""

    @property
    def counter(self) -> int:
        """The errors in the window."""
        oldest = self._clock() - self._window
        while self._errors and self._errors[0] <= oldest:
            self._errors.popleft()
        return len(self._errors)

    @property
    def state(self) -> str:
        """pybreaker's word for the state."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state
        if state == pybreaker.STATE_CLOSED:
            self._errors.clear()


@dataclass(slots=True, eq=False)
class Token:
    """Permission for one call, given while the breaker was in its ``era``-th state."""

    era: int
    probe: bool
    settled: bool = False


class Listener(pybreaker.CircuitBreakerListener):
    """Hears of pybreaker's changes of state."""

    def __init__(self, changed: Callable[[str, str], None]) -> None:
        self._changed = changed

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Pass the names of the two states on."""
        del cb
        self._changed(old_state.name if old_state else "", new_state.name)


class Breaker:
    """The breaker of one deployment. Not thread-safe: it belongs to the event loop."""

    def __init__(
        self, name: str, settings: Settings, on_change: OnChange | None = None, clock: Clock = time.monotonic
    ) -> None:
        self.name = name
        self._settings = settings
        self._on_change = on_change
        self._clock = clock
        self._era = 0
        self._probes = 0
        self._opened = 0.0
        self._storage = WindowStorage(settings.errors, settings.window_seconds, clock)
        self._machine = pybreaker.CircuitBreaker(
            settings.errors, settings.open_seconds, state_storage=self._storage, name=name
        )
        self._machine.add_listener(Listener(self._changed))

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return str(self._machine.current_state)

    @property
    def errors(self) -> int:
        """Counted errors in the window."""
        return self._storage.counter

    @property
    def probing(self) -> int:
        """Calls that are out to find whether it is back."""
        return self._probes

    @property
    def seconds_left(self) -> float:
        """How long it stays open; 0 where a call may be tried."""
        if self.state != pybreaker.STATE_OPEN:
            return 0.0
        return max(0.0, self._opened + self._settings.open_seconds - self._clock())

    def acquire(self) -> Token | None:
        """A token for a call, or None where the deployment is to be left alone."""
        if self.state == pybreaker.STATE_CLOSED:
            return Token(self._era, probe=False)
        if self.state == pybreaker.STATE_OPEN:
            if self.seconds_left > 0:
                return None
            self._machine.half_open()
        if self._probes >= self._settings.probes:
            return None
        self._probes += 1
        return Token(self._era, probe=True)

    def success(self, token: Token) -> None:
        """The call went well. While closed there is nothing to note; a probe's success closes."""
        if self._settle(token) and token.probe:
            self._machine.call(lambda: None)

    def failure(self, token: Token) -> None:
        """The call failed in a way that counts. Ignored if the state has changed since it began."""
        if self._settle(token):
            with suppress(CountedError, pybreaker.CircuitBreakerError):
                self._machine.call(_fail)

    def release(self, token: Token) -> None:
        """The call was cancelled, or failed in a way that says nothing of the provider."""
        self._settle(token)

    def _changed(self, old: str, new: str) -> None:
        """A new state is a new era, in which older tokens count for nothing."""
        self._era += 1
        self._probes = 0
        if new == pybreaker.STATE_OPEN:
            self._opened = self._clock()
        if self._on_change:
            self._on_change(self.name, old, new)

    def _settle(self, token: Token) -> bool:
        """Mark it settled; whether its result still matters."""
        if token.settled:
            return False
        token.settled = True
        if token.era != self._era:
            return False
        if token.probe:
            self._probes -= 1
        return True


def _fail() -> None:
    raise CountedError

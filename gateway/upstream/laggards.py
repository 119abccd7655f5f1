"""Deployments that are silent for so long, one time after another, that the one asked beside them speaks first.

Their breakers count nothing of it, since nobody waited to see whether they would have spoken. But each request would
wait for them anew, so that after some losses in a row they are asked last, until one request finds them in time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.settings.schema import Breaker

#: While one request finds out whether a deployment is in time again, the others go on without it.
TRIAL_SECONDS = 2.0


class Laggards:
    """As many losses in a row as open a breaker, for as long as that stays open."""

    def __init__(self, settings: Breaker, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = settings.errors
        self._seconds = settings.open_seconds
        self._clock = clock
        self._losses: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def lost(self, deployment: str) -> None:
        """Another one, asked later, spoke first."""
        self._losses[deployment] = self._losses.get(deployment, 0) + 1
        self._until[deployment] = self._clock() + self._seconds

    def spoke(self, deployment: str) -> None:
        """It was in time."""
        self._losses.pop(deployment, None)

    def behind(self, deployment: str) -> bool:
        """Whether it is asked last."""
        return self._losses.get(deployment, 0) >= self._most and self._clock() < self._until[deployment]

    def asked_last(self, deployment: str) -> bool:
        """The same, for a request that is about to ask; the first one after the time is over tries it."""
        if self.behind(deployment):
            return True
        if self._losses.get(deployment, 0) >= self._most:
            self._until[deployment] = self._clock() + TRIAL_SECONDS
        return False

"""The log of the calls that providers got: what was asked, and how each reply ended."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Literal

MAX_CALLS = 10_000
MAX_BODY_BYTES = 64 * 2**20  # kept over all calls; past it the oldest calls lose their bodies

Outcome = Literal["open", "completed", "aborted", "faulted"]


@dataclass(slots=True)
class Call:
    """One call, times in seconds of the system's monotonic clock (`time.monotonic` in any process).

    `outcome`: `completed` when the healthy answer was sent in full, if late; `faulted` when the double
    sent, or cut, something else; `aborted` when the client left before the end. `fault` is its kind.
    """

    id: int
    provider: str
    model: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    started: float
    size: int = 0
    stream: bool = False
    fault: str | None = None
    outcome: Outcome = "open"
    ended: float | None = None
    chunks_sent: int = 0

    def view(self) -> dict[str, Any]:
        """The call as the control API shows it."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "size"}


class CallLog:
    """The last 10,000 calls, and counts of those that ended."""

    def __init__(self) -> None:
        self.keep = True
        self.clear()
        self._waiters: set[asyncio.Future[None]] = set()

    def clear(self) -> None:
        """Forgets every call; one that is still open is counted nowhere when it ends."""
        self._calls: deque[Call] = deque()
        self._bodies: deque[Call] = deque()
        self._bytes = 0
        self._last = 0
        self._ended: Counter[str] = Counter()
        self._born = time.monotonic()

    def begin(self, call: Call) -> None:
        """Numbers the call and keeps it, unless keeping is switched off."""
        self._last += 1
        call.id = self._last
        if not self.keep:
            return
        self._calls.append(call)
        if len(self._calls) > MAX_CALLS:
            self._calls.popleft()
        self._hold_body(call)

    def _hold_body(self, call: Call) -> None:
        self._bodies.append(call)
        self._bytes += call.size
        while self._bytes > MAX_BODY_BYTES or len(self._bodies) > MAX_CALLS:
            oldest = self._bodies.popleft()
            self._bytes -= oldest.size
            oldest.body = None

    def end(self, call: Call, outcome: Outcome) -> None:
        """Sets how the call ended, once, and wakes those who wait for it."""
        if call.outcome != "open":
            return
        call.outcome, call.ended = outcome, time.monotonic()
        if call.started < self._born:
            return
        self._ended[call.provider] += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def ended(self, provider: str | None = None) -> int:
        """How many calls (to `provider`) have ended since the last reset."""
        return self._ended.total() if provider is None else self._ended[provider]

    def views(self, provider: str | None = None) -> list[dict[str, Any]]:
        """The calls kept (to `provider`), oldest first."""
        return [call.view() for call in self._calls if provider in (None, call.provider)]

    async def wait(self, count: int, seconds: float, provider: str | None = None) -> None:
        """Returns when `count` calls have ended, or after `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.ended(provider) < count and (left := deadline - loop.time()) > 0:
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait([waiter], timeout=left)
            finally:
                self._waiters.discard(waiter)

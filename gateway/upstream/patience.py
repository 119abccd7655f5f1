"""How long an attempt may be silent: before the first token, between tokens, at its tail, and in all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from gateway.contract import Call, Chunk, Operation
from gateway.settings.schema import Timeouts
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.finishes import Finishes


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for each part of an attempt; ``deadline`` is the whole request's, in the loop's time. ``hurried`` where
    a policy is in more of a hurry than the settings are."""

    timeouts: Timeouts
    attempt: float
    deadline: float
    hurried: bool = False

    @classmethod
    def of(cls, call: Call, timeouts: Timeouts, hurried_share: float = 1.0) -> Patience:
        """The patience that a request of this surface is owed from now on. Of a policy's own limit one attempt may
        take ``hurried_share``, so that the rest is the next model's."""
        attempt = getattr(timeouts.attempt_seconds, call.surface)
        total = getattr(timeouts.request_seconds, call.surface)
        if call.seconds is not None:
            total = min(total, call.seconds)
        now = asyncio.get_running_loop().time()
        if call.seconds is None or attempt <= total * hurried_share:
            return cls(timeouts, attempt, now + total)
        return cls(timeouts, total * hurried_share, now + total, hurried=True)

    @property
    def left(self) -> float:
        """Seconds until the request's deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    async def guard(self, call: Call, chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
        """Pass ``chunks`` on while they come in time; raises Failure where they don't."""
        watch = _Watch(self, call)
        try:
            while True:
                limit, left = watch.limit(), max(0.0, self.left)
                try:
                    async with asyncio.timeout(min(limit, left)):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    if watch.kind is None:  # the answer is whole; only what follows it is missing
                        return
                    raise Failure(watch.kind if limit <= left else Kind.DEADLINE, "nothing came in time") from None
                if chunk is None:
                    return
                yield chunk
                watch.note(chunk)
        finally:
            await chunks.aclose()


class _Watch:
    """What is waited for next, how long, and what it is called when it does not come."""

    def __init__(self, patience: Patience, call: Call) -> None:
        self._timeouts = patience.timeouts
        self._now = asyncio.get_running_loop().time
        self._finishes = Finishes.of(call)
        # The first token is waited for once: chunks that say nothing do not begin its time anew.
        first = patience.timeouts.first_token_seconds if call.stream else patience.attempt
        self._until: float | None = self._now() + first
        slow = Kind.HURRIED if patience.hurried else Kind.SLOW
        self.kind: Kind | None = Kind.SILENT if call.stream else slow

    def limit(self) -> float:
        """Seconds to wait for the next chunk."""
        if self._until is not None:
            return max(0.0, self._until - self._now())
        return self._timeouts.tail_seconds if self.kind is None else self._timeouts.between_tokens_seconds

    def note(self, chunk: Chunk) -> None:
        """Take in what came; once the answer is over only its tail can be missing."""
        self._finishes.note(chunk.data.get("choices") or ())
        if self._finishes.over:
            self._until, self.kind = None, None
        elif self._until is None or speaks(chunk):
            self._until, self.kind = None, Kind.STALLED


def speaks(chunk: Chunk) -> bool:
    """Whether the chunk says something: a role alone, or white space, is no answer yet."""
    if "choices" not in chunk.data:
        return True
    return any(_says(choice.get("delta") or {}) for choice in chunk.data["choices"])


def _says(delta: dict[str, object]) -> bool:
    content = delta.get("content")
    if isinstance(content, str) and content.strip():
        return True
    return any(value for key, value in delta.items() if key not in ("role", "content"))


def complete(call: Call, chunk: Chunk) -> bool:
    """Whether ``chunk`` ends an answer that may be empty: it was cut by a limit, or by a policy."""
    if call.operation is not Operation.CHAT:
        return True
    reasons = [choice.get("finish_reason") for choice in chunk.data.get("choices") or ()]
    return any(reason and reason != "stop" for reason in reasons)

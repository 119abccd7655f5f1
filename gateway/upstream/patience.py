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
    """Seconds for each part of an attempt; ``deadline`` is the whole request's, in the loop's time."""

    timeouts: Timeouts
    attempt: float
    deadline: float

    @classmethod
    def of(cls, call: Call, timeouts: Timeouts) -> Patience:
        """The patience that a request of this surface is owed from now on."""
        attempt = getattr(timeouts.attempt_seconds, call.surface)
        total = getattr(timeouts.request_seconds, call.surface)
        return cls(timeouts, attempt, asyncio.get_running_loop().time() + total)

    @property
    def left(self) -> float:
        """Seconds until the request's deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    async def guard(self, call: Call, chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
        """Pass ``chunks`` on while they come in time; raises Failure where they don't."""
        limit, kind = self._first(call)
        finishes = Finishes.of(call)
        try:
            while True:
                left = max(0.0, self.left)
                try:
                    async with asyncio.timeout(min(limit, left)):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    if kind is None:  # the answer is whole; only what follows it is missing
                        return
                    raise Failure(kind if limit <= left else Kind.DEADLINE, f"nothing came for {limit:g} s") from None
                if chunk is None:
                    return
                yield chunk
                finishes.note(chunk.data.get("choices") or ())
                limit, kind = self._next(chunk, limit, kind, over=finishes.over)
        finally:
            await chunks.aclose()

    def _first(self, call: Call) -> tuple[float, Kind | None]:
        if call.stream:
            return self.timeouts.first_token_seconds, Kind.SILENT
        return self.attempt, Kind.SLOW

    def _next(self, chunk: Chunk, limit: float, kind: Kind | None, *, over: bool) -> tuple[float, Kind | None]:
        """The limit for what comes after ``chunk``; once the answer is over only its tail can be missing."""
        if over:
            return self.timeouts.tail_seconds, None
        if kind is Kind.SILENT and not speaks(chunk):
            return limit, kind
        return self.timeouts.between_tokens_seconds, Kind.STALLED


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

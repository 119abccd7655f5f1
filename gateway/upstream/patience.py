"""How long an attempt may be silent: before the first token, between tokens, at its tail, and in all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from gateway.contract import Call, Chunk, Operation
from gateway.settings.schema import Timeouts
from gateway.upstream.deployment import TICK, Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.finishes import Finishes
from gateway.waiting import until

#: Once the usage has come, only the end of the connection's message can be missing.
LAST_SECONDS = 0.1
NEVER = float("inf")
#: Events that say that there will be an answer, and nothing of it.
SILENT_EVENTS = frozenset({"response.created", "response.in_progress", "response.queued"})


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
        take ``hurried_share``, so that the rest is the next model's, if there is one."""
        attempt = getattr(timeouts.attempt_seconds, call.surface)
        total = getattr(timeouts.request_seconds, call.surface)
        total = call.within(total)
        if call.only is not None and len(call.only) == 1:
            hurried_share = 1.0
        now = asyncio.get_running_loop().time()
        if call.seconds is None or attempt <= total * hurried_share:
            return cls(timeouts, attempt, now + total)
        return cls(timeouts, total * hurried_share, now + total, hurried=True)

    @property
    def left(self) -> float:
        """Seconds until the request's deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    async def guard(
        self, call: Call, deployment: Deployment, chunks: AsyncGenerator[Chunk, None], *, streams: bool
    ) -> AsyncGenerator[Chunk, None]:
        """Pass ``chunks`` on while they come in time; raises Failure where they don't. ``streams`` is whether the
        provider streams them, whatever the caller is given."""
        watch = _Watch(self, call, deployment, streams=streams)
        try:
            while True:
                latest, kind = watch.next()
                if watch.now >= self.deadline and kind is not None:  # no timer runs where chunks are always ready
                    raise Failure(Kind.DEADLINE, "the request's time is up")
                try:
                    chunk = await until(min(latest, self.deadline), chunks.__anext__())
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if kind is None:  # the answer is whole; only what follows it is missing
                        return
                    raise Failure(kind if latest <= self.deadline else Kind.DEADLINE, "nothing came in time") from None
                watch.waited()
                yield chunk
                watch.note(chunk)
        finally:
            await chunks.aclose()


class _Watch:
    """What is waited for next, until when, and what it is called when it does not come."""

    def __init__(self, patience: Patience, call: Call, deployment: Deployment, *, streams: bool) -> None:
        self._timeouts = patience.timeouts
        self._now = asyncio.get_running_loop().time
        self._finishes = Finishes.of(call)
        self._begun = self._over = False
        now = self._now()
        # The first token is waited for once: chunks that say nothing do not begin its time anew.
        attempt = patience.attempt
        if deployment.attempt_seconds and not patience.hurried:
            attempt = deployment.attempt_seconds
        first = deployment.first_token_seconds or patience.timeouts.first_token_seconds
        self._between = patience.timeouts.between_tokens_seconds
        if call.operation is not Operation.CHAT:  # what is drawn, spoken or looked up comes when most of it is done
            first = self._between = attempt
        self._first = now + first if streams else NEVER
        # A call that is not streamed is bounded as a whole too: it can begin anew elsewhere, and nobody has seen of it.
        self._attempt = NEVER if call.stream else now + attempt
        self._slow = Kind.HURRIED if patience.hurried else Kind.SLOW
        self._streams = streams
        self.now = now
        self._left = self._between

    def next(self) -> tuple[float, Kind | None]:
        """The loop's time by which something must come, and the failure's kind; None where nothing need come. To be
        asked when waiting begins: while a reader takes its time, nobody waits for the provider."""
        self.now = self._now()
        if self._over:
            return self._until, None
        if not self._begun:
            until, kind = self._first, Kind.SILENT
        else:
            until = self.now + self._left if self._streams else NEVER
            kind = Kind.STALLED
        return (until, kind) if until <= self._attempt else (self._attempt, self._slow)

    def waited(self) -> None:
        """Something has come; whether it says anything, ``note`` sees."""
        self._left -= self._now() - self.now

    def note(self, chunk: Chunk) -> None:
        """Take in what came; once the answer is over only its tail can be missing. What says nothing does not begin
        the time between two tokens anew, or keep-alives would pass for an answer."""
        says = chunk is TICK or speaks(chunk)
        if says:
            self._begun = True
            self._left = self._between
        if chunk is TICK:
            return
        self._finishes.note(chunk.data.get("choices") or ())
        if self._finishes.over:
            self._over = True
            tail = self._timeouts.tail_seconds
            self._until = self._now() + (min(tail, LAST_SECONDS) if chunk.data.get("usage") else tail)


def speaks(chunk: Chunk) -> bool:
    """Whether the chunk says something: a role alone, or white space, is no answer yet."""
    if "choices" not in chunk.data:
        event = chunk.data.get("event")
        return event is None or event.get("type") not in SILENT_EVENTS
    return any(_says(choice.get("delta") or {}) for choice in chunk.data["choices"])


def _says(delta: dict[str, object]) -> bool:
    content = delta.get("content")
    if isinstance(content, str) and content.strip():
        return True
    return any(value for key, value in delta.items() if key not in ("role", "content"))


def complete(call: Call, chunk: Chunk) -> bool:
    """Whether ``chunk`` ends an answer that may be empty: it was cut by a limit, by a policy, or at once by a text that
    it was to stop at."""
    if call.operation is not Operation.CHAT:
        return "event" not in chunk.data
    reasons = [choice.get("finish_reason") for choice in chunk.data.get("choices") or ()]
    may_stop = bool(call.params.get("stop"))
    return any(reason and (may_stop or reason != "stop") for reason in reasons)

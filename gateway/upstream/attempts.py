"""The attempt loop: one deployment after another until one answers, or none is left.

A reply is handed on once it has begun to speak, or, where it is not streamed, once it is whole: until then
another deployment can still take over without the caller seeing anything of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from gateway.contract import Call, Chunk, RateLimited, Unavailable
from gateway.settings.schema import Retries, Timeouts
from gateway.upstream.candidates import Candidate, Candidates
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.patience import Patience, complete, speaks
from gateway.upstream.verdict import verdict

Log = Callable[..., None]
OnBegun = Callable[[Candidate], Candidate]
HURRIED_SHARE = 2 / 3


@dataclass(slots=True)
class Reply:
    """An answer under way; the call's ``trail`` says whose."""

    chunks: AsyncGenerator[Chunk, None]
    close: Callable[[], Awaitable[None]]

    async def aclose(self) -> None:
        """End the provider's call, whether or not a chunk was taken. Safe to call twice."""
        await self.chunks.aclose()
        await self.close()  # closing a generator that never began runs none of its code


@dataclass(slots=True)
class _Progress:
    """What one request has been through so far."""

    attempts: int = 0
    first: str | None = None
    failures: list[tuple[Candidate, Failure]] = field(default_factory=list)

    def reason(self, candidate: Candidate) -> str | None:
        """Why it is not the first choice that answers."""
        if candidate.deployment.id == self.first or not self.failures:
            return None
        return str(self.failures[0][1].kind)


class Upstream:
    """Carries calls to the providers. ``hurried_share``: see ``Patience``."""

    def __init__(
        self,
        candidates: Candidates,
        timeouts: Timeouts,
        retries: Retries,
        log: Log,
        *,
        hurried_share: float = HURRIED_SHARE,
    ) -> None:
        self._hurried_share = hurried_share
        self._candidates = candidates
        self._timeouts = timeouts
        self._retries = retries
        self._log = log

    async def open(self, call: Call) -> Reply:
        """A reply that has begun; raises GatewayError where there is none in time."""
        patience = Patience.of(call, self._timeouts, self._hurried_share)
        progress = _Progress()
        async with aclosing(self._candidates.of(call)) as candidates:
            async for candidate in candidates:
                progress.first = progress.first or candidate.deployment.id
                reply = await self._ask(call, candidate, progress, patience)
                if reply is not None:
                    call.trail.model = candidate.deployment.group
                    call.trail.fallback_reason = progress.reason(candidate)
                    return reply
                if not progress.failures[-1][1].rule.fall_over or self._exhausted(progress, patience):
                    break
        failures = [(candidate.deployment, failure) for candidate, failure in progress.failures]
        tried = [f"{deployment.id}: {failure.kind}" for deployment, failure in failures]
        error = verdict(call, failures, self._candidates.seconds_left(call))
        level = "error" if isinstance(error, Unavailable | RateLimited) else "info"  # else it is about the request
        self._log(level, "no_answer", request_id=call.request_id, model=call.model, tried=tried)
        raise error

    def _exhausted(self, progress: _Progress, patience: Patience) -> bool:
        return progress.attempts >= self._retries.attempts or patience.left <= 0

    async def _ask(self, call: Call, candidate: Candidate, progress: _Progress, patience: Patience) -> Reply | None:
        """Ask one deployment, more than once where that can help; None where it has no answer."""
        tries = 0
        while candidate.barred is None:
            tries += 1
            progress.attempts += 1
            call.trail.attempts += 1
            number, on_begun = progress.attempts, self._candidates.begun
            attempt = _Attempt(call, candidate, patience, log=self._log, number=number, on_begun=on_begun)
            try:
                begun = await attempt.begin()
            except Failure as failure:
                progress.failures.append((candidate, failure))
                if not failure.rule.retry or tries >= self._retries.tries or self._exhausted(progress, patience):
                    return None
            else:
                return attempt.reply(begun)
            await self._back_off(tries, patience)
            if patience.left <= 0:
                return None
            candidate = self._candidates.again(candidate)
        progress.failures.append((candidate, candidate.barred))
        return None

    async def _back_off(self, tries: int, patience: Patience) -> None:
        """Full jitter, as the field does it, so that callers who failed together don't return together."""
        longest = self._retries.backoff_seconds * 2 ** (tries - 1)
        await asyncio.sleep(min(random.uniform(0, longest), max(0.0, patience.left)))


class _Attempt:
    """One call to one deployment; settles its breaker token exactly once, however it ends.

    ``on_begun`` gives the candidate to go on with once it speaks; ``number`` counts the request's attempts.
    """

    def __init__(
        self, call: Call, candidate: Candidate, patience: Patience, *, log: Log, number: int, on_begun: OnBegun
    ) -> None:
        self._call = call
        self._candidate = candidate
        self._log = log
        self._number = number
        self._on_begun = on_begun
        self._started = time.perf_counter()
        self._first_token: float | None = None
        self._usage: Mapping[str, Any] | None = None
        self._chunks = patience.guard(call, candidate.lane.attempt(candidate.deployment, call))
        self._ended = False

    async def begin(self) -> list[Chunk]:
        """What came until it spoke or, where it is not streamed, all of it; raises Failure."""
        begun: list[Chunk] = []
        spoken = False
        try:
            async for chunk in self._chunks:
                self._note(chunk)
                begun.append(chunk)
                spoken = spoken or speaks(chunk) or complete(self._call, chunk)
                if spoken and self._call.stream:
                    self._candidate = self._on_begun(self._candidate)
                    return begun
            if not spoken:
                raise Failure(Kind.EMPTY, "the reply says nothing")
        except BaseException as error:
            failure = _failure(error)
            await self._end(failure)
            if failure is error:
                raise
            raise failure from error
        await self._end(None)
        return begun

    def reply(self, begun: list[Chunk]) -> Reply:
        """The reply that ``begun`` is the beginning of."""
        return Reply(self._rest(begun), self._abandon)

    async def _rest(self, begun: list[Chunk]) -> AsyncGenerator[Chunk, None]:
        """All chunks, those that have come first; raises Unavailable where the stream breaks."""
        ending: BaseException | None = None
        try:
            for chunk in begun:
                yield chunk
            async for chunk in self._chunks:
                self._note(chunk)
                yield chunk
        except BaseException as error:
            ending = _failure(error)
            if not isinstance(ending, Failure):
                raise
            message = f"{self._candidate.deployment.group} broke off in the middle of its answer ({ending.kind})."
            raise Unavailable(message, code="stream_broken", retry_after=1) from error
        finally:
            await self._end(ending)

    async def _abandon(self) -> None:
        await self._end(asyncio.CancelledError())

    def _note(self, chunk: Chunk) -> None:
        if self._first_token is None:
            self._first_token = time.perf_counter()
        self._usage = chunk.data.get("usage") or self._usage

    async def _end(self, error: BaseException | None) -> None:
        """Settle the token, close the provider's call, write the line of this call; once."""
        if self._ended:
            return
        self._ended = True
        self._candidate.settle(error)
        await self._chunks.aclose()
        failure = error if isinstance(error, Failure) else None
        fields: dict[str, Any] = {
            "request_id": self._call.request_id,
            "model_provider": self._candidate.deployment.provider,
            "deployment": self._candidate.deployment.id,
            "lane": self._candidate.deployment.lane,
            "attempt": self._number,
            "outcome": _outcome(error),
            "ms": _ms(self._started),
        }
        if self._first_token is not None:
            fields["first_token_ms"] = round((self._first_token - self._started) * 1000, 1)
        if self._usage:
            fields["prompt_tokens"] = self._usage.get("prompt_tokens")
            fields["completion_tokens"] = self._usage.get("completion_tokens")
        if failure:
            # A provider's own words can quote the prompt, so that only its status and code are logged.
            detail = failure.message if failure.status is None else None
            fields |= {"status": failure.status, "code": failure.code, "detail": detail}
            fields["advice"] = _advice(self._candidate.deployment, failure)
        alarming = failure and (failure.rule.set_aside or failure.kind is Kind.INTERNAL)
        level = "error" if alarming else "warning" if failure else "info"
        self._log(level, "model_call", **fields)


def _failure(error: BaseException) -> BaseException:
    """A lane's own fault, which it should not have, is a failed attempt; leaving and cancelling are neither."""
    if isinstance(error, Exception) and not isinstance(error, Failure):
        return Failure(Kind.INTERNAL, type(error).__name__)
    return error


def _advice(deployment: Deployment, failure: Failure) -> str | None:
    """What an operator should do about a deployment that is set aside."""
    if failure.kind is Kind.MODEL_GONE:
        return f"{deployment.where}: {deployment.model!r} is gone; put another model behind {deployment.group!r}"
    if failure.kind is Kind.BAD_KEY:
        return f"{deployment.where}: {deployment.provider} refused the key of {deployment.group!r}"
    return None


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    return str(error.kind) if isinstance(error, Failure) else "cancelled"


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 1)

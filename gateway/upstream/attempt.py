"""One call to one deployment, from its first chunk to the line that is written of it."""

from __future__ import annotations

import time
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from gateway.billing import Meter
from gateway.contract import Call, Chunk, Spent
from gateway.upstream.candidates import Candidate
from gateway.upstream.deployment import TICK, Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.hedge import NOTHING_SPOKEN, Spoken
from gateway.upstream.patience import Patience, complete, speaks

Log = Callable[..., None]
OnBegun = Callable[[Candidate], Candidate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an attempt is judged: ``number`` counts the request's attempts; ``may_be_empty`` where nothing need be
    said; ``refusals_fail`` where a refusal is to be asked elsewhere; ``on_begun`` gives the candidate to go on with."""

    number: int
    on_begun: OnBegun
    may_be_empty: bool = False
    refusals_fail: bool = False


class Attempt:
    """One call to one deployment; settles its breaker token exactly once, however it ends."""

    def __init__(self, call: Call, candidate: Candidate, patience: Patience, log: Log, manner: Manner) -> None:
        self._call = call
        self._candidate = candidate
        self._log = log
        self._manner = manner
        self._started = time.perf_counter()
        self._first_token: float | None = None
        self._meter = Meter(call)
        deployment, lane = candidate.deployment, candidate.lane
        self._streams = lane.streams(deployment, call)
        self._chunks = patience.guard(call, deployment, lane.attempt(deployment, call), streams=self._streams)
        self._ended = False
        self._begun: list[Chunk] = []

    @property
    def candidate(self) -> Candidate:
        """Who is asked."""
        return self._candidate

    async def begin(self, spoken: Spoken = NOTHING_SPOKEN) -> None:
        """Wait until it speaks or, where it is not streamed, until all of it is there; raises Failure. ``spoken`` is
        called as soon as it speaks or, where nobody can tell, at once."""
        speaking = False
        if not self._streams:
            spoken()
        try:
            async for chunk in self._chunks:
                if chunk is TICK:
                    self._meter.tick()
                    spoken()
                    continue
                self._note(chunk)
                self._begun.append(chunk)
                speaking = speaking or speaks(chunk) or self._ends(chunk)
                if speaking and self._call.stream:
                    self._candidate = self._manner.on_begun(self._candidate)
                    spoken()
                    return
            if not speaking and not self._manner.may_be_empty:
                raise Failure(Kind.EMPTY, "the reply says nothing")
        except BaseException as error:
            failure = _failure(error)
            await self.end(failure)
            if failure is error:
                raise
            raise failure from error
        await self.end(None)

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """All chunks, those that have come first; raises Failure where the stream breaks."""
        ending: BaseException | None = None
        try:
            for chunk in self._begun:
                yield chunk
            async for chunk in self._chunks:
                if chunk is TICK:
                    self._meter.tick()
                    continue
                self._note(chunk)
                yield chunk
        except BaseException as error:
            ending = _failure(error)
            if ending is error:
                raise
            raise ending from error
        finally:
            await self.end(ending)

    async def abandon(self) -> None:
        """End the provider's call; it says nothing of the provider. Safe to call twice."""
        await self.end(CancelledError())

    async def end(self, error: BaseException | None) -> None:
        """Settle the token, close the provider's call, note what it used, write the line of it; once."""
        if self._ended:
            return
        self._ended = True
        self._candidate.settle(error)
        try:
            await self._chunks.aclose()
        finally:
            failure = error if isinstance(error, Failure) else None
            spent = self._meter.spent(self._candidate.deployment.group, self._candidate.deployment.price)
            if spent is not None:
                self._call.trail.spent.append(spent)
            alarming = failure and (failure.rule.set_aside or failure.kind is Kind.INTERNAL)
            level = "error" if alarming else "warning" if failure else "info"
            self._log(level, "model_call", **self._fields(error, failure), **_billed(spent))

    def _ends(self, chunk: Chunk) -> bool:
        """Whether the chunk ends an answer without a word; raises Failure for a refusal to be asked elsewhere."""
        if chunk.finish == "content_filter" and self._manner.refusals_fail:
            raise Failure(Kind.REFUSED, "the provider's filter stopped the answer", code="content_filter")
        return complete(self._call, chunk)

    def _note(self, chunk: Chunk) -> None:
        if self._first_token is None:
            self._first_token = time.perf_counter()
        self._meter.note(chunk)

    def _fields(self, error: BaseException | None, failure: Failure | None) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "request_id": self._call.request_id,
            "model_provider": self._candidate.deployment.provider,
            "deployment": self._candidate.deployment.id,
            "lane": self._candidate.lane.name,
            "attempt": self._manner.number,
            "outcome": _outcome(error),
            "ms": _ms(self._started),
        }
        if self._first_token is not None:
            fields["first_token_ms"] = round((self._first_token - self._started) * 1000, 1)
        if failure:
            # A provider's own words can quote the prompt, so that only its status and code are logged.
            detail = failure.message if failure.status is None else None
            fields |= {"status": failure.status, "code": failure.code, "detail": detail}
            fields["advice"] = _advice(self._candidate.deployment, failure)
        return fields


def _billed(spent: Spent | None) -> dict[str, Any]:
    """What an attempt used, as the log says it; nothing where it used nothing."""
    if spent is None:
        return {}
    cost = None if spent.cost_usd is None else round(spent.cost_usd, 9)
    return {
        "prompt_tokens": spent.prompt_tokens,
        "cached_tokens": spent.cached_tokens or None,
        "completion_tokens": spent.completion_tokens,
        "cost_usd": cost,
        "estimated": spent.estimated or None,
    }


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

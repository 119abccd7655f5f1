"""A streamed answer, over as many attempts as it takes to be whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from gateway.contract import Chunk, Unavailable
from gateway.upstream.attempt import Attempt
from gateway.upstream.continuation import Joined, Rest, Said, continuable
from gateway.upstream.failures import Failure, Kind, Retry
from gateway.upstream.hunt import Hunt, Settled, Whole
from gateway.upstream.verdict import rejected


class Stream:
    """The chunks of one reply. Where an attempt breaks, the next deployments are asked to go on and, last of all, those
    that broke."""

    def __init__(self, hunt: Hunt, attempt: Attempt) -> None:
        self._hunt = hunt
        self._attempt = attempt
        self._said = Said()
        self._joined: Joined | None = None

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """One whole answer; raises GatewayError where nobody can go on with it."""
        while True:
            chunks = self._attempt.chunks()
            try:
                async for chunk in chunks:
                    if self._joined is None:
                        self._said.note(chunk)
                        yield chunk
                        continue
                    for given in self._joined.take(chunk):
                        self._said.note(given)
                        yield given
                    await asyncio.sleep(0)  # what is held back gives nobody else a turn
                return
            except Failure as failure:
                await self._attempt.end(failure)
                await self._go_on(failure)
            finally:
                await chunks.aclose()

    async def abandon(self) -> None:
        """End the provider's call."""
        await self._attempt.abandon()

    async def _go_on(self, failure: Failure) -> None:
        """Have another attempt take over; raises GatewayError where none does."""
        hunt, broken = self._hunt, self._attempt.candidate.deployment
        hunt.failures.append((broken, failure))
        wanted: Rest | Whole = Rest(hunt.of, self._said, failure.kind) if self._said.texts else Whole(hunt.of)
        goes_on = hunt.route.learn(broken, failure)
        if failure.kind is Kind.REFUSED and not goes_on:
            raise rejected(failure)
        attempt: Attempt | None = None
        if goes_on and hunt.retries.stream_break == "continue" and continuable(hunt.of, self._said):
            if failure.rule.retry is not Retry.NEVER:
                hunt.route.keep_for_last(broken)
            attempt = await self._next(wanted)
        if attempt is None:
            message = f"{broken.group} broke off in the middle of its answer ({failure.kind}). Ask again."
            raise Unavailable(message, code="stream_broken", retry_after=1) from failure
        self._attempt = attempt
        hunt.found(attempt)
        deployment = attempt.candidate.deployment
        self._joined = Joined.of(wanted, deployment) if isinstance(wanted, Rest) else Joined(self._said)
        fields = {"reason": str(failure.kind), "broken": broken.id, "deployment": deployment.id}
        hunt.log("warning", "stream_continued", request_id=hunt.of.request_id, **fields)

    async def _next(self, wanted: Rest | Whole) -> Attempt | None:
        try:
            return await self._hunt.find(wanted)
        except Settled as settled:
            if settled.failure.kind is Kind.REFUSED:
                raise rejected(settled.failure) from settled
            return None

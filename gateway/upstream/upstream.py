"""From a call to a reply: who is asked, who is asked beside it, and who goes on where an answer breaks off.

A reply is handed on once it has begun to speak or, where it is not streamed, once it is whole: until then
another deployment can take over without the caller seeing anything of it. Later ``stream`` sees to it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from gateway.contract import Call, Chunk, GatewayError, Operation, RateLimited, Unavailable
from gateway.settings.schema import Retries, Timeouts
from gateway.upstream.attempt import Attempt, Log
from gateway.upstream.candidates import Candidates
from gateway.upstream.failures import Failure
from gateway.upstream.hedge import first_to_speak
from gateway.upstream.hunt import Hunt, Settled, Whole
from gateway.upstream.patience import Patience
from gateway.upstream.stream import Stream
from gateway.upstream.verdict import verdict

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
        chat = call.operation is Operation.CHAT
        hedge_after = getattr(self._retries.hedge_after_ms, call.surface) / 1000 if chat else 0.0
        hunt = Hunt(
            of=call,
            route=self._candidates.route(call, hedged=bool(hedge_after)),
            candidates=self._candidates,
            patience=Patience.of(call, self._timeouts, self._hurried_share),
            retries=self._retries,
            log=self._log,
            waits=getattr(self._retries.rate_limit_seconds, call.surface),
        )
        try:
            attempt = await self._begun(call, hunt, hedge_after)
        except Settled as settled:
            raise self._verdict(call, hunt, settled.failure) from settled
        if attempt is None:
            raise self._verdict(call, hunt)
        hunt.found(attempt)
        if not call.stream:
            return Reply(attempt.chunks(), attempt.abandon)
        stream = Stream(hunt, attempt)
        return Reply(stream.chunks(), stream.abandon)

    async def _begun(self, call: Call, hunt: Hunt, hedge_after: float) -> Attempt | None:
        wanted = Whole(call)
        if not hedge_after:
            return await hunt.find(wanted)
        attempt = await first_to_speak(lambda spoken: hunt.find(wanted, spoken), hedge_after)
        first = hunt.route.first
        if attempt is not None and first and first != attempt.candidate.deployment.id and hunt.asked_in_vain(first):
            self._candidates.laggards.lost(first)
        return attempt

    def _verdict(self, call: Call, hunt: Hunt, settled: Failure | None = None) -> GatewayError:
        tried = [f"{deployment.id}: {failure.kind}" for deployment, failure in hunt.failures]
        error = verdict(call, hunt.failures, self._candidates.seconds_left(call), settled)
        level = "error" if isinstance(error, Unavailable | RateLimited) else "info"  # else it is about the request
        self._log(level, "no_answer", request_id=call.request_id, model=call.model, tried=tried)
        return error

"""A streamed answer, over as many attempts as it takes to be whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from gateway.contract import Chunk, Unavailable
from gateway.upstream.attempt import Attempt
from gateway.upstream.continuation import Joined, Rest, Said, continuable
from gateway.upstream.failures import Failure, Retry
from gateway.upstream.hunt import Answer, Hunt


class Stream:
    """The chunks of one reply. Where an attempt breaks, the next deployments are asked to go on and, last of all, those
    that broke."""

    def __init__(self, hunt: Hunt, attempt: Attempt) -> None:
        self._hunt = hunt
        self._attempt = attempt
        self._said = Said()
        self._joined: Joined | None = None

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """One whole answer; raises Unavailable where nobody can go on with it."""
        while True:
            chunks = self._attempt.chunks()
            try:
                async for chunk in chunks:
                    for given in (chunk,) if self._joined is None else self._joined.take(chunk):
                        self._said.note(given)
                        yield given
                return
            except Failure as failure:
                await self._attempt.end(failure)
                if not await self._go_on(failure):
                    group = self._attempt.candidate.deployment.group
                    message = f"{group} broke off in the middle of its answer ({failure.kind}). Ask again."
                    raise Unavailable(message, code="stream_broken", retry_after=1) from failure
            finally:
                await chunks.aclose()

    async def abandon(self) -> None:
        """End the provider's call."""
        await self._attempt.abandon()

    async def _go_on(self, failure: Failure) -> bool:
        """Have another attempt take over; whether one does."""
        broken = self._attempt.candidate
        hunt, call = self._hunt, self._hunt.of
        hunt.failures.append((broken.deployment, failure))
        wanted: Rest | Answer = Rest(call, self._said) if self._said.texts else Answer(call)
        if hunt.retries.stream_break == "error" or not continuable(call, self._said):
            return False
        if not hunt.route.learn(broken.deployment, failure):
            return False
        if failure.rule.retry is not Retry.NEVER:
            hunt.route.keep_for_last(broken.deployment)
        attempt = await hunt.find(wanted)
        if attempt is None:
            return False
        prefilled = isinstance(wanted, Rest) and wanted.prefills(attempt.candidate.deployment)
        self._joined = Joined(self._said, prefilled=prefilled)
        self._attempt = attempt
        deployments = broken.deployment.id, attempt.candidate.deployment.id
        fields = dict(zip(("broken", "deployment"), deployments, strict=True))
        hunt.log("warning", "stream_continued", request_id=call.request_id, reason=str(failure.kind), **fields)
        return True

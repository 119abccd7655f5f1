"""Policies around the provider's call: request hooks in listed order, response hooks in reverse."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.contract import Call, Chunk, GatewayError, InternalError, Policy
from gateway.upstream import Reply

Log = Callable[..., None]
Close = Callable[[], Awaitable[None]]


class Opener(Protocol):
    """What stands behind the policies: ``Upstream``."""

    async def open(self, call: Call) -> Reply:
        """A reply that has begun; raises GatewayError where there is none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One policy of the list; ``skippable`` lets a request pass where the policy itself fails."""

    name: str
    policy: Policy
    skippable: bool = False

    @property
    def watches(self) -> bool:
        """Whether it has a response hook, so that replies need not pass through one that does nothing."""
        return type(self.policy).response is not Policy.response


@dataclass(slots=True)
class Answer:
    """What the pipeline hands to the renderer: the call as it was sent, and the shaped chunks.

    The provider is asked when the first chunk is; ``call.trail`` then tells who answered.
    """

    call: Call
    chunks: AsyncIterator[Chunk]


class Pipeline:
    """Runs calls through the policies and what stands behind them."""

    def __init__(self, steps: Sequence[Step], upstream: Opener, log: Log) -> None:
        self.steps = tuple(steps)
        self._upstream = upstream
        self._log = log

    @asynccontextmanager
    async def run(self, call: Call) -> AsyncGenerator[Answer, None]:
        """The answer to ``call``. Leaving the context closes every hook, outermost first, then the provider's
        call, whether the answer was read to its end, broke, or its reader left. Raises GatewayError, in here or
        with the first chunk."""
        passed: list[Step] = []
        for step in self.steps:
            call = await self._request(step, call)
            if call.answer is not None:  # the policy answered by itself; those before it still see the reply
                break
            passed.append(step)
        source = _Source(self._upstream, call)
        replied = source.chunks()
        layers: list[Close] = [source.aclose, replied.aclose]
        chunks: AsyncIterator[Chunk] = replied
        try:
            for step in reversed(passed):
                if step.watches:
                    chunks = self._response(step, call, chunks, source, layers)
            yield Answer(call, chunks)
        finally:
            await _close(layers)

    async def ask(self, call: Call) -> str:
        """The whole answer's text (``contract.Model``)."""
        async with self.run(replace(call, stream=False)) as answer:
            return "".join([chunk.text async for chunk in answer.chunks])

    async def _request(self, step: Step, call: Call) -> Call:
        try:
            return await step.policy.request(call)
        except GatewayError:
            raise
        except Exception as error:
            self._failed(step, call, error)
            return call

    def _response(
        self, step: Step, call: Call, chunks: AsyncIterator[Chunk], source: _Source, layers: list[Close]
    ) -> AsyncIterator[Chunk]:
        """The chunks as one policy shapes them; a hook that hands them back as they are costs nothing more."""
        tap = _Tap(chunks) if step.skippable else chunks
        try:
            shaped = step.policy.response(call, tap)
        except GatewayError:
            raise
        except Exception as error:
            self._failed(step, call, error)
            return chunks
        if shaped is tap:
            return chunks
        if isinstance(tap, _Tap):
            guarded = self._skippable(step, call, shaped, source, tap)
        else:
            guarded = self._strict(step, call, shaped, source)
        layers += [shaped.aclose, guarded.aclose] if isinstance(shaped, AsyncGenerator) else [guarded.aclose]
        return guarded

    async def _strict(
        self, step: Step, call: Call, shaped: AsyncIterator[Chunk], source: _Source
    ) -> AsyncGenerator[Chunk, None]:
        """Where the policy fails, the reply ends with an InternalError."""
        try:
            async for chunk in shaped:
                yield chunk
        except GatewayError:
            raise
        except Exception as error:
            if source.failed:  # not the policy's fault but that of what it listens to
                raise
            self._failed(step, call, error)

    async def _skippable(
        self, step: Step, call: Call, shaped: AsyncIterator[Chunk], source: _Source, tap: _Tap
    ) -> AsyncGenerator[Chunk, None]:
        """Where a skippable policy fails, the chunks it had taken and not yet given on follow as they were."""
        try:
            async for chunk in shaped:
                tap.given_on(chunk)
                yield chunk
        except GatewayError:
            raise
        except Exception as error:
            if source.failed:
                raise
            self._failed(step, call, error)
            for chunk in list(tap.taken):
                yield chunk
            async for chunk in tap.chunks:
                yield chunk

    def _failed(self, step: Step, call: Call, error: Exception) -> None:
        """Log a policy's fault; raises InternalError unless it may be skipped."""
        fields = {"request_id": call.request_id, "policy": step.name, "error": type(error).__name__}
        self._log("error", "policy_failed", skipped=step.skippable, **fields)
        if not step.skippable:
            message = f"The policy {step.name!r} failed, so the request was stopped. The log has it by the request id."
            raise InternalError(message, code="policy_failed") from error


class _Source:
    """The provider's reply, asked for with the first chunk; or the answer that a policy gave in its place."""

    def __init__(self, upstream: Opener, call: Call) -> None:
        self._upstream = upstream
        self._call = call
        self._reply: Reply | None = None
        #: Whether it broke, so that what listens to it did not.
        self.failed = False

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """All chunks; raises GatewayError."""
        if self._call.answer is not None:
            yield Chunk.saying(self._call.answer, finish="stop")
            return
        try:
            self._reply = await self._upstream.open(self._call)
            async for chunk in self._reply.chunks:
                yield chunk
        except Exception:
            self.failed = True
            raise

    async def aclose(self) -> None:
        """End the provider's call, if there is one."""
        if self._reply is not None:
            await self._reply.aclose()


class _Tap:
    """An iterator that remembers what was taken from it since the last chunk was given on."""

    def __init__(self, chunks: AsyncIterator[Chunk]) -> None:
        self.chunks = chunks
        self.taken: deque[Chunk] = deque()

    def given_on(self, chunk: Chunk) -> None:
        """Forget what ``chunk`` was made of: itself and those before it or, where it was changed, the oldest."""
        while self.taken:
            if self.taken.popleft() is chunk or not any(one is chunk for one in self.taken):
                return

    def __aiter__(self) -> _Tap:
        return self

    async def __anext__(self) -> Chunk:
        chunk = await anext(self.chunks)
        self.taken.append(chunk)
        return chunk


async def _close(layers: Sequence[Close]) -> None:
    """Close all layers, outermost first, even where one of them raises; the first error is raised at the end."""
    first: BaseException | None = None
    for close in reversed(layers):
        try:
            await close()
        except BaseException as error:
            first = first or error
    if first is not None:
        raise first

"""The lean lane: LiteLLM's translation around our own transport, for chat on the wires proven equal.

It sees the raw stream, so it knows a finished reply from one that was cut. Plain calls are carried as streams too
and gathered here, so that a silence in them is noticed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import aiohttp

from gateway.contract import Call, Chunk
from gateway.lanes.pieces import pieces
from gateway.lanes.reading import Gathered, Reading, Streamed, parsed
from gateway.lanes.transport import Transport
from gateway.lanes.wire import Wire, check_shape
from gateway.settings.schema import Timeouts, Upstream
from gateway.upstream.deployment import TICK, Deployment
from gateway.upstream.failures import Failure, Kind

#: So many answers at once come in more events than they are worth.
MOST_GATHERED = 8
STREAM_PARAMS = ("stream", "stream_options")
#: A deployment that does not stream is asked for the whole for so long; servers are changed, and are set right.
WHOLE_SECONDS = 600.0


class LeanLane:
    """Carries chat calls; ``wires`` are by provider."""

    name = "lean"

    def __init__(
        self,
        transport: Transport,
        wires: Mapping[str, Wire],
        upstream: Upstream | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._transport = transport
        self._wires = wires
        self._upstream = upstream or Upstream()
        self._tail_seconds = (timeouts or Timeouts()).tail_seconds
        #: Until when deployments are asked for the whole that do not stream, or tell no usage where they do.
        self._whole_until: dict[str, float] = {}

    def streams(self, deployment: Deployment, call: Call) -> bool:
        """See ``deployment.Lane``."""
        return call.stream or (
            self._upstream.plain == "stream"
            and time.monotonic() >= self._whole_until.get(deployment.id, 0.0)
            and _gatherable(deployment.defaults)
            and _gatherable(call.params)
        )

    async def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        """See ``deployment.Lane``."""
        if self.streams(deployment, call):
            try:
                async with aclosing(self._carried(deployment, call)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except Failure as failure:
                if call.stream or not _refuses_to_stream(failure):
                    raise
                self._ask_whole(deployment)
                raise Failure(Kind.NO_STREAM, "it refuses to stream", status=failure.status) from failure
            return
        request = self._wires[deployment.provider].request(deployment, call)
        async with self._transport.post(request) as response:
            yield await self._whole(deployment, call, response)

    async def _whole(self, deployment: Deployment, call: Call, response: aiohttp.ClientResponse) -> Chunk:
        data = await self._transport.json(response)
        chunk = parsed("the reply", self._wires[deployment.provider].whole, deployment, call, data)
        check_shape(chunk)
        return Chunk(chunk)

    async def _unstreamed(self, deployment: Deployment, call: Call, response: aiohttp.ClientResponse) -> Chunk:
        """It was asked to stream and does not; what it says may be whole all the same. Noted before it comes, which
        can take longer than a stream is waited for."""
        self._ask_whole(deployment)
        return await self._whole(deployment, call, response)

    def _ask_whole(self, deployment: Deployment) -> None:
        self._whole_until[deployment.id] = time.monotonic() + WHOLE_SECONDS

    async def _carried(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        asked = call if call.stream else replace(call, stream=True)
        async with self._transport.post(self._wires[deployment.provider].request(deployment, asked)) as response:
            if "json" in response.content_type:
                yield await self._unstreamed(deployment, call, response)
                return
            if "html" in response.content_type:
                raise Failure(Kind.GARBAGE, "the reply is not a stream of events")
            reading = self._reading(deployment, call)
            async with aclosing(pieces(response, reading, self._tail_seconds, gathered=not call.stream)) as read:
                async for received in read:
                    for chunk in reading.feed(received):
                        self._note(deployment, reading, chunk)
                        yield chunk
            for chunk in reading.end():
                yield chunk

    def _reading(self, deployment: Deployment, call: Call) -> Reading:
        wire, most = self._wires[deployment.provider], self._upstream.max_reply_bytes
        if call.stream:
            return Streamed(wire.stream(deployment, call), most)
        return Gathered(wire.gather(call), lambda data: wire.whole(deployment, call, data), most)

    def _note(self, deployment: Deployment, reading: Reading, chunk: Chunk) -> None:
        """A stream without usage is not asked for again where a whole reply would have it."""
        if isinstance(reading, Gathered) and reading.done and chunk is not TICK and not chunk.data.get("usage"):
            self._ask_whole(deployment)


def _gatherable(params: Mapping[str, Any]) -> bool:
    """Whether a call of these parameters can be streamed in the provider's stead of being answered whole."""
    answers = params.get("n")
    many = isinstance(answers, int) and answers > MOST_GATHERED
    kinds = params.get("modalities")
    return not many and not (isinstance(kinds, list) and "audio" in kinds)


def _refuses_to_stream(failure: Failure) -> bool:
    """To ask for the whole where it was about something else costs one more call that is refused."""
    if failure.status not in (400, 405, 422, 501):
        return False
    return failure.param in STREAM_PARAMS or "stream" in failure.message.lower()

"""The lean lane: LiteLLM's translation around our own transport, for chat on the wires proven equal.

It sees the raw stream, so it knows a finished reply from one that was cut.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import ParamSpec, TypeVar

import aiohttp

from gateway.contract import Call, Chunk
from gateway.lanes.sse import events
from gateway.lanes.transport import Transport, transport_failure
from gateway.lanes.wire import Json, StreamReader, Wire, check_shape
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind

P = ParamSpec("P")
T = TypeVar("T")


class LeanLane:
    """Carries chat calls; ``wires`` are by provider."""

    def __init__(self, transport: Transport, wires: Mapping[str, Wire]) -> None:
        self._transport = transport
        self._wires = wires

    def streams(self, deployment: Deployment, call: Call) -> bool:
        """See ``deployment.Lane``."""
        del deployment
        return call.stream

    async def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        """See ``deployment.Lane``."""
        wire = self._wires[deployment.provider]
        request = wire.request(deployment, call)
        async with self._transport.post(request) as response:
            if call.stream:
                async with aclosing(_streamed(response, wire.stream(deployment, call))) as chunks:
                    async for chunk in chunks:
                        yield chunk
            else:
                data = await self._transport.json(response)
                yield _chunk(_parsed("the reply", wire.whole, deployment, call, data))


async def _streamed(response: aiohttp.ClientResponse, reader: StreamReader) -> AsyncGenerator[Chunk, None]:
    if "json" in response.content_type or "html" in response.content_type:
        raise Failure(Kind.GARBAGE, "the reply is not a stream of events")
    try:
        async for event in events(response.content.iter_any()):
            for data in _parsed("an event", reader.read, event):
                yield _chunk(data)
    except (aiohttp.ClientError, OSError) as error:
        if not reader.finished:  # after the finish reason nothing of the answer is missing
            raise transport_failure(error) from error
    if not reader.finished:
        raise Failure(Kind.CUT, "the stream ended without a finish reason")
    for data in reader.end():
        yield _chunk(data)


def _chunk(data: Json) -> Chunk:
    check_shape(data)
    return Chunk(data)


def _parsed(what: str, parse: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    try:
        return parse(*given, **named)
    except Failure:
        raise
    except Exception as error:  # LiteLLM's parsers raise whatever they meet
        raise Failure(Kind.GARBAGE, f"{what} has an unknown shape ({type(error).__name__})") from error

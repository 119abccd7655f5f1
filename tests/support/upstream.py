"""An upstream over fake lanes, for tests of what stands between a call and its reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.contract import Chunk, GatewayError
from gateway.settings.schema import Breaker, Retries, Timeouts
from gateway.upstream import Reply, Upstream
from gateway.upstream.candidates import Candidates
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.route import NO_RESCUES, Rescues
from tests.support.asgi import Lines
from tests.support.fakes import CountingBreaker, FakeLane, FakePicker, Source, collect, deployment, make_call, piece

#: Longer than any test waits.
LONG = 30.0
USAGE = {"prompt_tokens": 3, "completion_tokens": 5}
ANSWER = [piece(role="assistant"), piece("Hello"), piece(" there"), piece(finish="stop")]
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def answers() -> Source:
    return Source(*ANSWER, Chunk({"choices": [], "usage": USAGE}))


def fails(kind: Kind, **more: Any) -> Source:
    return Source(Failure(kind, **more))


class World:
    """An upstream over fake lanes, with its breakers and its log."""

    def __init__(
        self,
        *,
        deployments: Sequence[Deployment] = (),
        timeouts: Timeouts | None = None,
        retries: dict[str, Any] | None = None,
        breaker: Breaker | None = None,
        rescues: Rescues = NO_RESCUES,
        gathers: bool = False,
        **scripts: Sequence[Source] | Source,
    ) -> None:
        listed = {name: [one] if isinstance(one, Source) else list(one) for name, one in scripts.items()}
        self.sources = [source for sources in listed.values() for source in sources]
        self.lane = FakeLane(**listed)
        self.lane.gathers = gathers
        self.log = Lines()
        chain = tuple(dict.fromkeys(d.group for d in deployments)) or tuple(scripts)
        settings = breaker or Breaker()
        self.candidates = Candidates(
            lambda model, operation: chain,
            FakePicker(deployments or [deployment(name) for name in scripts]),
            {"lean": self.lane, "litellm": self.lane},
            lambda name: CountingBreaker(name, settings),
            rescues=rescues,
            set_aside_seconds=300,
        )
        chosen = Retries(**{"backoff_seconds": 0, **(retries or {})})
        self.upstream = Upstream(self.candidates, timeouts or Timeouts(), chosen, self.log)

    async def open(self, *, stream: bool = False, **changes: Any) -> Reply:
        call = make_call(stream=stream, **changes)
        self.trail = call.trail
        return await self.upstream.open(call)

    async def text(self, *, stream: bool = False, **changes: Any) -> str:
        reply = await self.open(stream=stream, **changes)
        try:
            return "".join(chunk.text for chunk in await collect(reply.chunks))
        finally:
            await reply.aclose()

    async def refused(self, *, stream: bool = False, **changes: Any) -> GatewayError:
        with pytest.raises(GatewayError) as caught:
            await self.text(stream=stream, **changes)
        return caught.value

    def settled(self) -> list[str]:
        """How the tokens were settled; each must have been, once."""
        found: list[str] = []
        for breaker in self.candidates.breakers.values():
            assert isinstance(breaker, CountingBreaker)
            assert len(breaker.settled) == breaker.given
            found += breaker.settled
        assert all(source.closed == source.begun for source in self.sources)
        return found

    def outcomes(self) -> list[str]:
        return [line["outcome"] for line in self.log.of("model_call")]

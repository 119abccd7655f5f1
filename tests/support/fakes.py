"""Stand-ins for what lies at a unit's edge: a clock, a provider's lane, a picker; and short ways to make values."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

import structlog
from hypothesis import HealthCheck, settings

from gateway.breaker import Breaker, Token
from gateway.contract import Call, Chunk, Identity, Operation, Surface
from gateway.logs import Foreign
from gateway.upstream import Reply
from gateway.upstream.deployment import Deployment

#: For property tests: no time limit that a busy machine could break, nothing left on the disk.
PROPERTY = settings(deadline=None, database=None, max_examples=100, suppress_health_check=list(HealthCheck))


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def make_call(**changes: Any) -> Call:
    fields: dict[str, Any] = {
        "request_id": "req_1",
        "surface": Surface.V1,
        "operation": Operation.CHAT,
        "model": "default",
        "params": {"messages": [{"role": "user", "content": "hello"}]},
        "identity": Identity("127.0.0.1"),
    }
    return Call(**{**fields, **changes})


def piece(content: str | None = None, finish: str | None = None, *, index: int = 0, **delta: Any) -> Chunk:
    """A chunk of a chat."""
    said = delta if content is None else {"content": content, **delta}
    return Chunk({"choices": [{"index": index, "delta": said, "finish_reason": finish}]})


def deployment(name: str, **changes: Any) -> Deployment:
    """A deployment that is a group of its own."""
    fields = {"id": name, "group": name, "provider": "openai", "model": name, "lane": "lean"}
    return Deployment(**{**fields, **changes})


async def collect(chunks: AsyncIterator[Chunk]) -> list[Chunk]:
    return [chunk async for chunk in chunks]


class Source:
    """Yields chunks, sleeps floats, raises exceptions; counts how often it was begun and closed."""

    def __init__(self, *steps: Chunk | float | BaseException) -> None:
        self.steps = steps
        self.begun = 0
        self.closed = 0

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        self.begun += 1
        try:
            for step in self.steps:
                if isinstance(step, Chunk):
                    yield step
                elif isinstance(step, BaseException):
                    raise step
                else:
                    await asyncio.sleep(step)
        finally:
            self.closed += 1


class FakeLane:
    """For each deployment the sources of its attempts, in order; the last is repeated."""

    name = "lean"

    def __init__(self, **scripts: Sequence[Source]) -> None:
        self.scripts = {name: list(sources) for name, sources in scripts.items()}
        self.calls: list[str] = []
        self.gathers = False

    def streams(self, deployment: Deployment, call: Call) -> bool:
        return call.stream or self.gathers

    def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        self.calls.append(deployment.id)
        sources = self.scripts[deployment.id]
        source = sources.pop(0) if len(sources) > 1 else sources[0]
        return source.chunks()


class FakePicker:
    """Picks in the order in which they are given."""

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self.deployments = tuple(deployments)

    async def pick(self, group: str, excluded: frozenset[str]) -> Deployment | None:
        return next((d for d in self.deployments if d.group == group and d.id not in excluded), None)


class CountingBreaker(Breaker):
    """A breaker that keeps which tokens it gave, and how each was settled."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.given = 0
        self.settled: list[str] = []

    def acquire(self) -> Token | None:
        token = super().acquire()
        self.given += token is not None
        return token

    def success(self, token: Token) -> None:
        self.settled.append("success")
        super().success(token)

    def failure(self, token: Token) -> None:
        self.settled.append("failure")
        super().failure(token)

    def release(self, token: Token) -> None:
        self.settled.append("release")
        super().release(token)


class FakeUpstream:
    """Answers with a source's chunks, or raises; what stands behind a pipeline."""

    def __init__(self, *steps: Chunk | float | BaseException, fails: Exception | None = None, **trail: Any) -> None:
        self.source = Source(*steps)
        self.calls: list[Call] = []
        self.closed = 0
        self._fails = fails
        self._trail = trail

    async def open(self, call: Call) -> Reply:
        self.calls.append(call)
        if self._fails:
            raise self._fails
        answered: dict[str, Any] = {"model": "m1", "attempts": 1, "fallback_reason": None, **self._trail}
        for name, value in answered.items():
            setattr(call.trail, name, value)
        return Reply(self.source.chunks(), self._close)

    async def _close(self) -> None:
        self.closed += 1


@contextlib.contextmanager
def logging_put_back() -> Iterator[None]:
    """Takes away what ``gateway.logs.configure`` sets up; pytest's own handlers come and go by themselves."""
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    level, disabled = root.level, access.disabled
    yield
    for handler in list(root.handlers):
        if isinstance(handler, Foreign):
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)
    access.disabled = disabled
    structlog.reset_defaults()

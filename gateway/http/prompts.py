"""Several prompts in one request: each is a chat of its own, asked beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from gateway.contract import Call, Chunk
from gateway.engine import Engine
from gateway.pipeline import Answer, Pipeline

#: So many prompts of one request are with a provider at a time, and so many chunks wait for their reader.
AT_ONCE = 8
WAITING = 64
#: What is left, at least, to a prompt that waited for others; it ends as one whose time is up.
SHORTEST_SECONDS = 0.05


def for_prompts(engine: Engine) -> Engine:
    """``engine`` with a pipeline that takes calls of several prompts: those of ``learnt["prompts"]``."""
    seconds = engine.settings.gateway.timeouts.request_seconds.v1
    return replace(engine, pipeline=cast(Pipeline, Prompts(engine.pipeline, seconds)))


def split(call: Call) -> list[Call]:
    """The call of each prompt. Together they ask what ``call`` does, which has all prompts as messages and the sum of
    all answers as ``n``; ``learnt["n"]`` is how many each prompt gets."""
    prompts: Sequence[str] = call.learnt["prompts"]
    shared = {key: value for key, value in call.params.items() if key != "n"}
    if call.learnt["n"] > 1:
        shared["n"] = call.learnt["n"]
    asked = ([{"role": "user", "content": prompt}] for prompt in prompts)
    return [replace(call, params={**shared, "messages": messages}) for messages in asked]


class Prompts:
    """Stands where a pipeline does (``Pipeline.run``). All prompts of a request share its trail and its ``seconds``;
    where one of them has no answer the request has none."""

    def __init__(self, pipeline: Pipeline, seconds: float) -> None:
        self._pipeline = pipeline
        self._seconds = seconds

    @asynccontextmanager
    async def run(self, call: Call) -> AsyncGenerator[Answer, None]:
        """See ``Pipeline.run``."""
        if len(call.learnt["prompts"]) == 1:
            async with self._pipeline.run(call) as answer:
                yield answer
            return
        chunks = self._chunks(split(call), call.learnt["n"])
        try:
            yield Answer(call, chunks)
        finally:
            await chunks.aclose()

    async def _chunks(self, calls: Sequence[Call], each: int) -> AsyncGenerator[Chunk, None]:
        """All answers' chunks as they come, with the choices numbered prompt by prompt, and the sum of their usage."""
        room = asyncio.Semaphore(AT_ONCE)
        queue: asyncio.Queue[Chunk | Exception | _Ended] = asyncio.Queue(WAITING)
        tasks = [asyncio.create_task(self._asked(one, at * each, room, queue)) for at, one in enumerate(calls)]
        usage: Mapping[str, Any] = {}
        try:
            left = len(tasks)
            while left:
                got = await queue.get()
                if isinstance(got, Exception):
                    raise got
                if isinstance(got, Chunk):
                    yield got
                else:
                    left -= 1
                    usage = _sum(usage, got.usage)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if usage:
            yield Chunk({"choices": [], "usage": usage})

    async def _asked(self, call: Call, first: int, room: asyncio.Semaphore, queue: asyncio.Queue[Any]) -> None:
        usage: Mapping[str, Any] = {}
        begun = asyncio.get_running_loop().time() if room.locked() else None
        try:
            async with room, self._pipeline.run(self._in_time(call, begun)) as answer:
                async for chunk in answer.chunks:
                    usage = chunk.data.get("usage") or usage
                    await queue.put(_numbered(chunk, first))
        except Exception as error:  # it is raised where the chunks are read
            await queue.put(error)
        else:
            await queue.put(_Ended(usage))

    def _in_time(self, call: Call, begun: float | None) -> Call:
        """One that waited for others has less time left."""
        if begun is None:
            return call
        left = call.within(self._seconds) - (asyncio.get_running_loop().time() - begun)
        return replace(call, seconds=max(left, SHORTEST_SECONDS))


@dataclass(frozen=True, slots=True)
class _Ended:
    """A prompt's answer is whole."""

    usage: Mapping[str, Any]


def _numbered(chunk: Chunk, first: int) -> Chunk:
    choices = [{**choice, "index": first + choice.get("index", 0)} for choice in chunk.data.get("choices") or ()]
    data = {key: value for key, value in chunk.data.items() if key != "usage"}
    return Chunk({**data, "choices": choices}, chunk.notes)


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts, and those within them, added up."""
    total = dict(one)
    for key, value in other.items():
        if isinstance(value, Mapping):
            total[key] = _sum(total.get(key) or {}, value)
        elif isinstance(value, int | float):
            total[key] = (total.get(key) or 0) + value
        else:
            total.setdefault(key, value)
    return total

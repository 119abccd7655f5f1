"""Keeps the assistant's own instructions to itself: an answer that recites them ends with a fixed sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from gateway.contract import Call, Chunk, Configured, Policy, Services
from policies.common.chunks import saying
from policies.common.recital import WORDS, Gate, instructions, watches

NAME = "prompt_guard"


class PromptGuardOptions(Configured):
    """``words`` of a system message in a row are a recital; ``answer`` is said in the place of it and of the rest."""

    words: Annotated[int, Field(ge=4, le=30)] = WORDS
    answer: Annotated[str, Field(min_length=1, pattern=r"\S")]


class PromptGuard(Policy):
    """Request, of questions only: notes the system messages as they are here; what policies after this one add to
    them, such as examples of the tone, an answer may repeat.
    Response: no row of their words gets out, however it is set or spelt."""

    Options: ClassVar[type[BaseModel]] = PromptGuardOptions
    after: ClassVar[tuple[str, ...]] = ("prompt", "modal", "knowledge")

    def __init__(self, options: PromptGuardOptions, services: Services) -> None:
        del services
        self._size = options.words
        self._answer = options.answer

    async def request(self, call: Call) -> Call:
        """The same call, and what is to be guarded learnt."""
        if call.question is None:
            return call
        return replace(call, learnt={**call.learnt, NAME: tuple(instructions(call.params))})

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks, their text held back as far as it may be the beginning of a recital."""
        watching = watches(call.learnt.get(NAME, ()), self._size)
        return self._guarded(chunks, Gate(watching)) if watching else chunks

    async def _guarded(self, chunks: AsyncIterator[Chunk], gate: Gate) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            text = gate.hear(chunk.text, last=chunk.finish is not None)
            if gate.recital:
                yield self._ended(chunk, text, gate)
                await _close(chunks)
                return
            yield chunk if text == chunk.text else saying(chunk, text)
        text = gate.hear("", last=True)
        if gate.recital:
            yield self._ended(Chunk.saying(" "), text, gate)
        elif text:
            yield Chunk.saying(text)

    def _ended(self, chunk: Chunk, text: str, gate: Gate) -> Chunk:
        """The last chunk: what could still be given out, and the configured answer."""
        text = text.rstrip() if gate.spoke else ""
        return saying(chunk, f"{text}\n\n{self._answer}" if gate.spoke else self._answer, finish="stop")


async def _close(chunks: AsyncIterator[Chunk]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()

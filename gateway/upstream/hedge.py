"""Asks a second deployment beside a first that is silent; the first to speak wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar


class Abandonable(Protocol):
    """Something that was begun and can be ended without being used."""

    async def abandon(self) -> None:
        """End it."""


T = TypeVar("T", bound=Abandonable)
Spoken = Callable[[], None]
Begin = Callable[[Spoken], Coroutine[Any, Any, T | None]]
NOTHING_SPOKEN: Spoken = lambda: None  # noqa: E731


async def first_to_speak(begin: Begin[T], after: float) -> T | None:
    """What ``begin`` gives, or a second ``begin`` that is started ``after`` seconds of silence of the first.

    ``begin`` is given a function to call once its attempt speaks. The other is cancelled then; where the one that
    spoke gives nothing after all, nothing is given. None where both find nothing.
    """
    legs = [_Leg(begin)]
    winner: T | None = None
    try:
        await asyncio.wait({legs[0].turn}, timeout=after)
        if not legs[0].turn.done():
            legs.append(_Leg(begin))
        while legs and winner is None:
            await asyncio.wait({leg.turn for leg in legs}, return_when=asyncio.FIRST_COMPLETED)
            leg = next(leg for leg in legs if leg.turn.done())
            if leg.spoken:
                await _stop([other for other in legs if other is not leg])
                legs = [leg]
            winner = await leg.task
            legs.remove(leg)
    finally:
        await _stop(legs)
    return winner


class _Leg(Generic[T]):
    """One of the two. ``turn`` is done once it has spoken or ended."""

    def __init__(self, begin: Begin[T]) -> None:
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.spoken = False
        self.task = asyncio.create_task(begin(self._speak))
        self.task.add_done_callback(lambda _: self._take())

    def _speak(self) -> None:
        self.spoken = True
        self._take()

    def _take(self) -> None:
        if not self.turn.done():
            self.turn.set_result(None)


async def _stop(legs: list[_Leg[T]]) -> None:
    """Cancel what is under way, wait until it is gone, and end what was begun for nothing: all of it, even where
    whoever waits for it is cancelled meanwhile."""
    for leg in legs:
        leg.task.cancel()
    if legs:
        await asyncio.shield(asyncio.gather(*map(_ended, legs), return_exceptions=True))


async def _ended(leg: _Leg[T]) -> None:
    begun = await leg.task
    if begun is not None:
        await begun.abandon()

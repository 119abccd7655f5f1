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
    race = _Race(begin)
    timer = asyncio.get_running_loop().call_later(after, race.join)
    try:
        race.join()
        while race.legs:
            leg = await race.next()
            timer.cancel()
            if leg.spoken:
                await race.leave_to(leg)
            winner = await leg.task
            if winner is not None:
                await race.leave_to(leg)
                return winner
            race.legs.remove(leg)
    except BaseException:  # what was found is of no use to whoever is cancelled meanwhile
        timer.cancel()
        await _stop(race.legs)
        raise
    finally:
        timer.cancel()
    return None


class _Race(Generic[T]):
    """The legs that run. Not ``asyncio.wait``, which costs more than a whole leg's other bookkeeping."""

    def __init__(self, begin: Begin[T]) -> None:
        self._begin = begin
        self._turn: asyncio.Future[None] | None = None
        self.legs: list[_Leg[T]] = []

    def join(self) -> None:
        """Start another one, if none has had its turn."""
        if any(leg.turn for leg in self.legs):
            return
        self.legs.append(_Leg(self._begin, self._wake))

    async def leave_to(self, leg: _Leg[T]) -> None:
        """End the others."""
        others = [other for other in self.legs if other is not leg]
        self.legs = [leg]
        await _stop(others)

    async def next(self) -> _Leg[T]:
        """The first that has spoken or ended."""
        while True:
            for leg in self.legs:
                if leg.turn:
                    return leg
            self._turn = asyncio.get_running_loop().create_future()
            await self._turn

    def _wake(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)


class _Leg(Generic[T]):
    """One of the two. ``turn`` is that it has spoken or ended."""

    def __init__(self, begin: Begin[T], on_turn: Callable[[], None]) -> None:
        self._on_turn = on_turn
        self.turn = self.spoken = False
        self.task = asyncio.create_task(begin(self._speak))
        self.task.add_done_callback(self._take)

    def _speak(self) -> None:
        self.spoken = True
        self._take()

    def _take(self, _: Any = None) -> None:
        self.turn = True
        self._on_turn()


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

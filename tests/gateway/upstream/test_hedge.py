from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.upstream.hedge import first_to_speak

LONG = 30.0


class Begun:
    """What was begun; remembers whether it was ended without being used."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.abandoned = 0

    async def abandon(self) -> None:
        self.abandoned += 1


class Race:
    """Legs in their order: seconds until it speaks (None: never before it ends), seconds it then takes, its result."""

    def __init__(self, *legs: tuple[float | None, float, Begun | None]) -> None:
        self.legs = legs
        self.begun = 0
        self.cancelled: list[int] = []

    async def begin(self, spoken: Callable[[], None]) -> Begun | None:
        number = self.begun
        self.begun += 1
        speaks, takes, result = self.legs[number]
        try:
            if speaks is not None:
                await asyncio.sleep(speaks)
                spoken()
            await asyncio.sleep(takes)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        return result


async def run(race: Race, after: float = 0.02) -> Begun | None:
    return await asyncio.wait_for(first_to_speak(race.begin, after), LONG / 2)


A, B = Begun("a"), Begun("b")


@pytest.mark.parametrize(
    ("legs", "wins", "begun", "cancelled"),
    [
        ([(0.0, 0.0, A)], A, 1, []),  # in time: nobody else is asked
        ([(0.0, 0.1, A)], A, 1, []),  # it speaks in time, and may then take its time
        ([(None, LONG, A), (0.0, 0.0, B)], B, 2, [0]),
        ([(0.06, 0.1, A), (LONG, 0.0, B)], A, 2, [1]),  # late, but before the second
        ([(None, 0.06, A), (LONG, 0.0, B)], A, 2, [1]),  # whole at once
        ([(None, 0.05, None), (0.1, 0.0, B)], B, 2, []),  # the first fails while the second is asked
        ([(None, 0.1, A), (None, 0.0, None)], A, 2, []),  # nobody else is there to ask
        ([(None, 0.05, None), (None, 0.0, None)], None, 2, []),
        ([(None, 0.0, None)], None, 1, []),
        ([(0.0, 0.05, None)], None, 1, []),
    ],
)
async def test_the_first_to_speak_wins(
    legs: list[tuple[float | None, float, Begun | None]], wins: Begun | None, begun: int, cancelled: list[int]
) -> None:
    race = Race(*legs)
    in_time = 5.0  # so long that a busy machine is no reason for a second
    assert await run(race, in_time if begun == 1 else 0.02) is wins
    assert (race.begun, race.cancelled) == (begun, cancelled)


async def test_one_that_was_begun_for_nothing_is_ended() -> None:
    first, second = Begun("a"), Begun("b")
    ready = asyncio.Event()

    async def begin(spoken: Callable[[], None]) -> Begun:
        mine = second if ready.is_set() else first
        ready.set()
        await asyncio.sleep(0.03 if mine is first else 0.0)
        return mine

    found = await first_to_speak(begin, 0.03)
    assert found is not None and found.abandoned == 0


@pytest.mark.parametrize("cancels", [0, 1])
async def test_one_that_was_begun_in_the_same_moment_is_ended(cancels: int) -> None:
    """Also where whoever waits is cancelled while that is being done."""
    begun = [Begun("a"), Begun("b")]
    both = asyncio.Event()

    async def begin(spoken: Callable[[], None]) -> Begun:
        mine = begun.pop()
        made.append(mine)
        if len(made) == 2:
            both.set()
        await both.wait()
        return mine

    made: list[Begun] = []
    task = asyncio.create_task(first_to_speak(begin, 0.01))
    await both.wait()
    for _ in range(cancels):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
    found = (await asyncio.gather(task, return_exceptions=True))[0]
    await asyncio.sleep(0.01)
    used = [one for one in made if one is found]
    assert sum(one.abandoned for one in made) == 2 - len(used)
    assert all(one.abandoned == 0 for one in used)


async def test_a_caller_who_leaves_ends_both() -> None:
    race = Race((None, LONG, A), (None, LONG, B))
    task = asyncio.create_task(run(race))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(race.cancelled) == [0, 1]


async def test_a_bug_in_one_ends_both() -> None:
    race = Race((None, LONG, A))

    async def begin(spoken: Callable[[], None]) -> Begun | None:
        if race.begun:
            raise RuntimeError("a bug")
        return await race.begin(spoken)

    with pytest.raises(RuntimeError):
        await first_to_speak(begin, 0.01)
    assert race.cancelled == [0]


async def test_nobody_is_asked_for_a_caller_who_has_left() -> None:
    """The second leg's time comes while the first is being ended."""
    begun = []

    async def begin(spoken: Callable[[], None]) -> Begun | None:
        begun.append(spoken)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
        return None

    task = asyncio.create_task(first_to_speak(begin, 0.02))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert len(begun) == 1

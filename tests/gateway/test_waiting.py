from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from gateway.waiting import until, within

NOW, LONG = 0.0, 60.0


async def given(value: str) -> str:
    return value


async def waiting(event: asyncio.Event, seen: list[str]) -> str:
    try:
        await event.wait()
        await asyncio.sleep(0)
        seen.append("went on")
        return "came"
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise
    finally:
        seen.append("ended")


async def test_what_is_there_is_given_even_where_no_time_is_left() -> None:
    assert await until(NOW, given("there")) == "there"


async def test_what_comes_in_time_is_given() -> None:
    event, seen = asyncio.Event(), list[str]()
    asyncio.get_running_loop().call_soon(event.set)
    assert await within(LONG, waiting(event, seen)) == "came"
    assert seen == ["went on", "ended"]


async def test_what_does_not_come_in_time_is_cancelled() -> None:
    seen = list[str]()
    with pytest.raises(TimeoutError):
        await within(0.01, waiting(asyncio.Event(), seen))
    assert seen == ["cancelled", "ended"]


async def test_a_cancelled_task_stays_cancelled() -> None:
    seen = list[str]()
    task = asyncio.create_task(within(LONG, waiting(asyncio.Event(), seen)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled", "ended"]


async def test_it_may_take_its_time_to_be_cancelled() -> None:
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)

    with pytest.raises(TimeoutError):
        await within(0.01, slow())


@pytest.mark.parametrize("first", [True, False])
async def test_its_errors_are_its_caller_s(first: bool) -> None:
    async def failing() -> None:
        if not first:
            await asyncio.sleep(0)
        raise LookupError("its own")

    with pytest.raises(LookupError, match="its own"):
        await within(LONG, failing())


async def test_a_generator_s_next_and_its_end() -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(0)
        yield 2

    source = numbers()
    assert await within(LONG, source.__anext__()) == 1
    assert await within(LONG, source.__anext__()) == 2
    with pytest.raises(StopAsyncIteration):
        await within(LONG, source.__anext__())


async def test_closing_closes_what_is_waited_for() -> None:
    seen = list[str]()
    rest = within(LONG, waiting(asyncio.Event(), seen))
    rest.send(None)
    rest.close()
    assert seen == ["ended"]


async def test_who_only_gives_others_their_turn_ends_in_time_too() -> None:
    async def turning() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        await within(0.01, turning())


async def test_cancelling_wins_over_the_time_being_up() -> None:
    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)

    task = asyncio.create_task(within(0.01, slow_to_end()))
    await asyncio.sleep(0.03)  # its time is up, and it is ending
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_limits_within_limits() -> None:
    async def inner() -> str:
        try:
            await within(0.01, asyncio.Event().wait())
        except TimeoutError:
            return "the inner one"
        return "none"

    assert await within(LONG, inner()) == "the inner one"
    with pytest.raises(TimeoutError):
        await within(0.01, within(LONG, asyncio.Event().wait()))


async def test_within_asyncio_s_own_limit() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await within(LONG, asyncio.Event().wait())


async def test_what_is_cancelled_can_tell_that_its_task_is() -> None:
    """LiteLLM's transport takes a cancelling for a lost connection, and sends once more, unless its task says so."""
    seen = list[int]()

    async def asking() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            seen.append(task.cancelling())
            raise

    with pytest.raises(TimeoutError):
        await within(0.01, asking())
    task = asyncio.current_task()
    assert task is not None
    assert (seen, task.cancelling()) == ([1], 0)


async def test_steps_that_end_well_all_the_same_have_their_result() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "a result"
        return "none"

    assert await within(0.01, stubborn()) == "a result"
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0

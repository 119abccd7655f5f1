from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import Message

from gateway.http.access import CallerLeft
from gateway.http.caller import CallerWatch
from tests.support.asgi import LEFT, receiving


@pytest_asyncio.fixture(autouse=True)
async def nothing_is_left_behind() -> AsyncIterator[None]:
    yield
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in others if "CallerWatch" in repr(task)]


class Caller:
    """A caller who leaves when told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return LEFT


async def test_work_that_is_done_is_done() -> None:
    async with CallerWatch(receiving()):
        await asyncio.sleep(0)


async def test_leaving_cancels_the_work_and_says_so() -> None:
    caller, cancelled = Caller(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    asyncio.get_running_loop().call_later(0.01, caller.gone.set)
    with pytest.raises(CallerLeft):
        async with CallerWatch(caller.receive):
            await work()
    assert cancelled.is_set()


async def test_the_task_can_go_on_after_the_caller_left() -> None:
    with pytest.raises(CallerLeft):
        async with CallerWatch(receiving(LEFT)):
            await asyncio.sleep(30)
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    async with asyncio.timeout(30):
        await asyncio.sleep(0.01)


async def test_what_else_is_received_is_not_leaving() -> None:
    late: Message = {"type": "http.request", "body": b"", "more_body": False}
    async with CallerWatch(receiving(late, late)):
        await asyncio.sleep(0.01)


async def test_an_outside_cancellation_stays_one() -> None:
    async def work() -> None:
        async with CallerWatch(receiving()):
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_an_outside_cancellation_stays_one_though_the_caller_leaves_too() -> None:
    caller = Caller()

    async def work() -> None:
        async with CallerWatch(caller.receive):
            try:
                await asyncio.sleep(30)
            finally:
                caller.gone.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_work_s_own_error_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        async with CallerWatch(receiving()):
            raise ZeroDivisionError


async def test_a_timeout_within_is_still_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with CallerWatch(receiving()), asyncio.timeout(0.01):
            await asyncio.sleep(30)


@pytest.mark.parametrize("watch_first", [False, True])
async def test_leaving_as_the_work_ends_leaves_no_cancellation_behind(watch_first: bool) -> None:
    caller = Caller()
    asyncio.get_running_loop().call_later(0.01, caller.gone.set)
    with contextlib.suppress(CallerLeft):
        async with CallerWatch(caller.receive):
            if watch_first:
                await asyncio.sleep(0)
            await caller.gone.wait()
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_comes_with_the_end_of_the_work_is_not_listened_to() -> None:
    """uvicorn ends what its callers wait for once the reply is complete."""
    caller, failures = Caller(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with CallerWatch(caller.receive):
        caller.gone.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    assert failures == []

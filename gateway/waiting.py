"""Waits with a time limit that costs little, and nothing where there is nothing to wait for.

``asyncio.timeout`` sets and cancels a timer each time. Most of what the gateway waits for (a body that has come with
its head, a socket that takes what it is given, the next of several events) is there already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Steps(Protocol[T_co]):
    """A coroutine, or what ``__anext__`` of an asynchronous generator gives."""

    def send(self, value: Any, /) -> Any:
        """Go on; raises StopIteration with the result."""

    def throw(self, error: BaseException, /) -> Any:
        """Go on with an error."""

    def close(self) -> Any:
        """Go no further."""

    def __await__(self) -> Generator[Any, Any, T_co]: ...


async def until(deadline: float, steps: Steps[T]) -> T:
    """The result of ``steps``; raises TimeoutError where they wait beyond ``deadline``, in the loop's time, as
    ``asyncio.timeout_at`` does."""
    try:
        waited_for = steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    return await _Rest(steps, waited_for, deadline)


async def within(seconds: float, steps: Steps[T]) -> T:
    """The same, with the time that there is from now on."""
    return await until(asyncio.get_running_loop().time() + seconds, steps)


class _Rest(Generic[T]):
    """Steps whose first one was taken: what that waits for is passed up to the task, which had not seen it."""

    def __init__(self, steps: Steps[T], waited_for: Any, deadline: float) -> None:
        self._steps = steps
        self._waited_for = waited_for
        self._deadline = deadline
        self._late = False

    def __await__(self) -> Generator[Any, Any, T]:
        task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        timer = asyncio.get_running_loop().call_at(self._deadline, self._expire, task)
        try:
            result = yield from self._driven()
        except asyncio.CancelledError:
            if self._uncancelled(task) <= cancelling and self._late:
                raise TimeoutError from None
            raise
        except BaseException:
            self._uncancelled(task)
            raise
        else:
            self._uncancelled(task)
            return result
        finally:
            timer.cancel()

    def _driven(self) -> Generator[Any, Any, T]:
        steps, waited_for = self._steps, self._waited_for
        try:
            while True:
                try:
                    value = yield waited_for
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:
                    waited_for = steps.throw(error)
                else:
                    waited_for = steps.send(value)
        except StopIteration as done:
            result: T = done.value
            return result

    def _expire(self, task: asyncio.Task[Any]) -> None:
        self._late = True
        task.cancel()

    def _uncancelled(self, task: asyncio.Task[Any]) -> int:
        """How often others want the task to end, what was done here taken back."""
        return task.uncancel() if self._late else task.cancelling()

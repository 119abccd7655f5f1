"""Waits with a time limit that costs little, and nothing where there is nothing to wait for.

``asyncio.timeout`` sets and cancels a timer each time, and the task's own cancelling with it. Most of what the gateway
waits for (a body that has come with its head, a socket that takes what it is given, the next of several events) is
there already; for the rest the future that is waited for is cancelled, and not the task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Generic, Protocol, TypeVar

#: Steps that have not ended so long after their time was up took the cancelling for another one's, or hang in ending.
AGAIN_SECONDS = 5.0

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
    """The result of ``steps``; raises TimeoutError where they wait beyond ``deadline``, in the loop's time, once what
    they waited for is cancelled and they have ended."""
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

    def _expire(self) -> None:
        self._late = True
        self._timer = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._expire)
        if self._waited_for is not None:  # None is a turn given to others, after which it goes on by itself
            self._waited_for.cancel()

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._steps
        self._timer = asyncio.get_running_loop().call_at(self._deadline, self._expire)
        cancelling = _cancelling()
        try:
            while True:
                try:
                    value = yield self._waited_for
                    if self._late and self._waited_for is None:
                        raise asyncio.CancelledError
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:
                    self._waited_for = steps.throw(error)
                else:
                    self._waited_for = steps.send(value)
        except StopIteration as done:
            result: T = done.value
            return result
        except asyncio.CancelledError:
            if self._late and _cancelling() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._timer.cancel()


def _cancelling() -> int:
    """How often somebody wants the task to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0

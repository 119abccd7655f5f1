"""Waits with a time limit that costs nothing where there is nothing to wait for.

``asyncio.timeout`` sets and cancels a timer each time; most of what the gateway waits for (a body that has come with
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
    """The result of ``steps``; raises TimeoutError where they wait beyond ``deadline``, in the loop's time."""
    try:
        waited_for = steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    async with asyncio.timeout_at(deadline):
        return await _Rest(steps, waited_for)


async def within(seconds: float, steps: Steps[T]) -> T:
    """The same, with the time that there is from now on."""
    return await until(asyncio.get_running_loop().time() + seconds, steps)


class _Rest(Generic[T]):
    """Steps whose first one was taken: what that waits for is passed up to the task, which had not seen it."""

    def __init__(self, steps: Steps[T], waited_for: Any) -> None:
        self._steps = steps
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, T]:
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

"""Notices that the caller left, and ends the work that was done for it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from starlette.types import Receive

from gateway.http.access import CallerLeft


class CallerWatch:
    """``async with CallerWatch(receive)``: the block is cancelled when the caller leaves, and CallerLeft raised.

    ASGI servers tell of it through ``receive``, which nobody else may call meanwhile: the body has been read. What
    that waits for is listened to by itself: a task for it would be made and cancelled with each request.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = self._over = False
        self._task: asyncio.Task[Any] | None = None
        self._receiving: Any = None

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        self._receiving = self._receive().__await__()
        self._listen()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True  # what it waited for can have come already, with the reply's end
        self._receiving.close()
        # As in asyncio.timeout: only a cancellation that was ours, and only ours, becomes our exception.
        if self._left and self._task is not None and self._task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise CallerLeft from error

    def _listen(self, _: Any = None) -> None:
        """Go on with what is received, until it waits again."""
        while not (self._left or self._over):
            try:
                waited_for = self._receiving.send(None)
            except StopIteration as done:
                if done.value["type"] == "http.disconnect":
                    self._leave()
                self._receiving = self._receive().__await__()
            except Exception:  # nothing more can be heard of this caller
                self._leave()
            else:
                if waited_for is None:  # a turn given to others
                    asyncio.get_running_loop().call_soon(self._listen)
                    return
                waited_for._asyncio_future_blocking = False  # noqa: SLF001 - what a task does with what it is given
                waited_for.add_done_callback(self._listen)
                return

    def _leave(self) -> None:
        self._left = True
        if self._task is not None:
            self._task.cancel()

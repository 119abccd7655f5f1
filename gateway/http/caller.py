"""Notices that the caller left, and ends the work that was done for it."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.types import Receive

from gateway.http.access import CallerLeft


class CallerWatch:
    """``async with CallerWatch(receive)``: the block is cancelled when the caller leaves, and CallerLeft raised.

    ASGI servers tell of it through ``receive``, which nobody else may call meanwhile: the body has been read.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._watch = asyncio.create_task(self._wait(task))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._watch is not None
        self._watch.cancel()
        task = asyncio.current_task()
        # As in asyncio.timeout: only a cancellation that was ours, and only ours, becomes our exception.
        if self._left and task is not None and task.uncancel() <= 0 and kind is asyncio.CancelledError:
            raise CallerLeft from error

    async def _wait(self, task: asyncio.Task[object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        task.cancel()

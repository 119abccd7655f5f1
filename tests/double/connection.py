"""One client connection: parses HTTP/1.1 requests and writes, or breaks, the replies below HTTP."""

import asyncio
import socket
import struct
import sys
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from typing import cast

from .request import BadRequest, Request, RequestReader

HIGH_WATER = 64 * 1024  # bytes unsent before a writer waits
SLICE = 64 * 1024
RST_GRACE = 0.01  # seconds the client gets to read what was sent before a reset
LINGER_ZERO = struct.pack("ii", 1, 0)


Handler = Callable[["Connection", Request], None]


class Connection(asyncio.Protocol):
    """Answers one request at a time, in order, and keeps reading meanwhile, to see the client leave.

    `handle(connection, request)` is called for each request; it ends the exchange with `done()`,
    `reset()` or `hang_up()`, at once or from the task that `spawn` starts. A client that half-closes
    its side counts as gone.
    """

    transport: asyncio.Transport

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._reader = RequestReader(self._queue, self._go_on)
        self._waiting: deque[Request] = deque()
        self._request: Request | None = None  # the one being answered
        self._pumping = False
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self.on_leave: Callable[[], None] | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sets the write limits: wait above 64 KiB unsent, go on when all is sent."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self.transport.set_write_buffer_limits(high=HIGH_WATER, low=0)

    def data_received(self, data: bytes) -> None:
        """Reads requests; a request that is not HTTP is answered 400 and ends the connection."""
        try:
            self._reader.feed(data)
        except BadRequest as error:
            self.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            print(f"double: unreadable request: {error}", file=sys.stderr)
            self.hang_up()

    def eof_received(self) -> bool | None:
        """The client closed its side: whatever is under way is aborted."""
        self._left()
        self.transport.abort()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, by the client's doing or by ours."""
        self._left()

    def pause_writing(self) -> None:
        """Too much is unsent: `drain` waits from now on."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """All is sent: `drain` goes on."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _left(self) -> None:
        leave, self.on_leave = self.on_leave, None
        if leave is not None:
            leave()
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def _go_on(self) -> None:
        self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _queue(self, request: Request) -> None:
        self._waiting.append(request)
        self._pump()

    # the handler's side

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        while self._request is None and self._waiting and not self.transport.is_closing():
            self._request = self._waiting.popleft()
            self._handle(self, self._request)
        self._pumping = False

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Runs `work` to answer the current request; cancelled when the client leaves."""
        self._task = asyncio.get_running_loop().create_task(self._guard(work))

    async def _guard(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:
            traceback.print_exc()
            self.reset_now()

    def write(self, data: bytes) -> None:
        """Hands bytes to the transport; small ones are sent before anything else is handled."""
        if not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Waits while the client does not read and 64 KiB are unsent."""
        if self._writable is not None:
            await self._writable

    async def write_slowly(self, data: bytes) -> None:
        """Writes a body of any size without keeping more than 64 KiB of it unsent."""
        view = memoryview(data)
        for start in range(0, len(data), SLICE):
            self.write(bytes(view[start : start + SLICE]))
            await self.drain()

    def done(self) -> None:
        """The reply is whole: takes the next request, or closes when the client wants that."""
        self.on_leave = self._task = None
        request, self._request = self._request, None
        if request is not None and not request.keep_alive:
            self.transport.close()
        else:
            self._pump()

    def hang_up(self) -> None:
        """Closes cleanly (FIN) after what was written is sent."""
        self.on_leave = self._task = None
        self.transport.close()

    async def reset(self) -> None:
        """Sends what was written, gives the client a moment to read it, then resets (RST)."""
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            await asyncio.sleep(0.001)
        await asyncio.sleep(RST_GRACE)
        self.reset_now()

    def reset_now(self) -> None:
        """Resets the connection: SO_LINGER of 0 makes close() send RST and drop what is unsent."""
        self.on_leave = self._task = None
        if self.transport.is_closing():
            return
        handle = socket.socket(fileno=self.transport.get_extra_info("socket").fileno())
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        handle.detach()
        self.transport.abort()

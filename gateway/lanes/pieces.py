"""The bytes of a provider's stream, piece by piece: at once where each is passed on, at leisure where all is gathered.

A provider sends each token by itself, and to wake up for each costs more than what is done with it then. What nobody
sees before it is whole is therefore left lying until its end, or for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import aiohttp

from gateway.lanes.reading import Reading
from gateway.lanes.transport import transport_failure
from gateway.waiting import until, within

LARGE_READ = 16_384
GATHER_SECONDS = 0.05


async def pieces(
    response: aiohttp.ClientResponse, reading: Reading, tail_seconds: float, *, gathered: bool
) -> AsyncGenerator[bytes, None]:
    """What ``reading`` is to be fed, to the stream's end or, at its tail, for ``tail_seconds``. Raises Failure where
    the connection is lost."""
    tail: float | None = None
    try:
        while received := await _read(response, tail):
            yield received
            if len(received) > LARGE_READ:  # others have had no turn while it was taken apart
                await asyncio.sleep(0)
            if tail is None and reading.over:
                tail = asyncio.get_running_loop().time() + tail_seconds
            if tail is None and gathered and not response.content.is_eof():
                await _gather(response.content)
        return
    except (aiohttp.ClientError, OSError) as error:
        lost = error
    yield _unread(response.content)
    if not reading.progress.finished:  # after the finish reason nothing of the answer is missing
        raise transport_failure(lost) from lost
    response.close()


async def _read(response: aiohttp.ClientResponse, tail: float | None) -> bytes:
    """What has come; empty at the end. Raises TimeoutError where nothing comes until ``tail``, in the loop's time."""
    if tail is None:
        return await response.content.readany()
    return await until(tail, response.content.readany())


async def _gather(content: aiohttp.StreamReader) -> None:
    """Let more of it come, until its end or for a moment."""
    with suppress(TimeoutError):
        await within(GATHER_SECONDS, content.wait_eof())


def _unread(content: aiohttp.StreamReader) -> bytes:
    """What came before the connection was lost; its public methods tell of the loss first."""
    return content._read_nowait(-1)  # noqa: SLF001

"""Takes in, and throws away, what is left of a body that was refused for its length.

A connection that is closed while its caller still sends is reset, and the answer that is on its way to the caller is
lost with it. What is much too long, or comes too slowly, is reset all the same.
"""

from __future__ import annotations

from starlette.types import Receive

from gateway.waiting import within

MOST_BYTES, SECONDS = 64 * 1024 * 1024, 5.0


async def discarded(receive: Receive) -> None:
    """Read to the body's end, within bounds. Never raises but where it is cancelled."""
    try:
        await within(SECONDS, _read(receive))
    except TimeoutError:
        return


async def _read(receive: Receive) -> None:
    size = 0
    while size <= MOST_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return

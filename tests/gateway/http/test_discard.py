from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from gateway.http import discard
from gateway.http.discard import discarded
from tests.support.asgi import LEFT, receiving

PIECE = b"x" * 1024


async def test_all_of_a_body_is_read() -> None:
    left: list[bytes | Message] = [PIECE, PIECE, PIECE]
    await discarded(receiving(*left))


async def test_a_caller_who_leaves_is_not_waited_for() -> None:
    await discarded(receiving(LEFT))


async def test_one_who_never_ends_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discard, "SECONDS", 0.01)

    async def nothing() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    await discarded(nothing)


async def test_nor_one_who_sends_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discard, "MOST_BYTES", 10 * len(PIECE))
    count = 0

    async def more() -> Message:
        nonlocal count
        count += 1
        return {"type": "http.request", "body": PIECE, "more_body": True}

    await discarded(more)
    assert count == 11

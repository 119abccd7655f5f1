"""What the index says of itself."""

from __future__ import annotations

import asyncio

from gateway.retrieval.store import Store
from gateway.retrieval.types import IndexState
from tests.support.index import chunk


async def test_its_state_follows_every_change(store: Store, reader: Store) -> None:
    assert await reader.state() == IndexState(0, 0, 0, None, None)
    await store.replace({"a": [chunk("a", n, f"text {n}") for n in range(3)], "b": [chunk("b", 0, "text 0")]})
    await asyncio.sleep(0.1)
    assert await reader.state() == IndexState(2, 4, 0, None, None)
    missing = await store.unembedded("m", 2, 9)
    assert len(missing) == 3, "two chunks share a text"
    await store.embed("m", 2, {text: [1.0, 0.0] for text in missing if text.indexed != "text 2"})
    await store.activate("m", 2)
    await store.ended(1234.5)
    await asyncio.sleep(0.1)
    state = await reader.state()
    assert (state.documents, state.chunks, state.embedded, state.ingested) == (2, 4, 3, 1234.5)
    assert state.active is not None
    assert (state.active.model, state.active.dimension) == ("m", 2)
    assert reader.active == state.active
    await store.drop(["a"])
    await asyncio.sleep(0.1)
    assert (await reader.state())[:3] == (1, 1, 1)

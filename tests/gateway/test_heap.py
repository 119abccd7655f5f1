from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from gateway.heap import COLLECT, LOOK_SECONDS, building, serving


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()


class Node:
    def __init__(self) -> None:
        self.itself = self


def test_what_is_kept_is_not_looked_through_again_and_frozen_in_the_end() -> None:
    with building():
        whole = gc.get_stats()[2]["collections"]
        kept = [Node() for _ in range(300_000)]
        assert gc.get_stats()[2]["collections"] == whole
        dropped = weakref.ref(Node())
    assert gc.get_threshold() == COLLECT
    assert dropped() is None
    assert gc.get_freeze_count() > 0
    assert kept[0] not in gc.get_objects()


def test_what_was_built_before_is_collected_when_it_is_no_longer_in_use() -> None:
    with building():
        before: Node | None = Node()
    seen = weakref.ref(before)
    before = None
    gc.collect()
    assert seen() is not None  # frozen, and in a cycle
    with building():
        pass
    assert seen() is None


def test_a_failed_start_leaves_the_collector_as_for_serving() -> None:
    with pytest.raises(LookupError), building():
        raise LookupError
    assert gc.get_threshold() == COLLECT


async def test_cycles_are_collected_between_the_loop_s_steps_and_never_within_one() -> None:
    gc.set_threshold(50, 5, 5)
    with serving():
        seen = weakref.ref(Node())
        kept = [Node() for _ in range(1000)]  # many times what the thresholds allow
        assert seen() is not None
        async with asyncio.timeout(30):
            while seen() is not None:
                kept += [Node() for _ in range(100)]
                await asyncio.sleep(0.01)
        assert not gc.isenabled()
    assert gc.isenabled()


async def test_old_cycles_are_collected_too() -> None:
    gc.set_threshold(10, 1, 1)
    with serving():
        old: Node | None = Node()
        seen = weakref.ref(old)
        gc.collect()  # which makes it one of the oldest generation
        old = None
        kept = []
        async with asyncio.timeout(30):
            while seen() is not None:
                kept += [Node() for _ in range(100)]
                await asyncio.sleep(0.01)


async def test_after_serving_nothing_looks_any_more() -> None:
    with serving():
        pass
    collected = [one["collections"] for one in gc.get_stats()]
    gc.disable()
    kept = [Node() for _ in range(20_000)]
    await asyncio.sleep(3 * LOOK_SECONDS)
    assert [one["collections"] for one in gc.get_stats()] == collected
    assert kept

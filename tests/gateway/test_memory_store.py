from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.memory_store import CELL, Store
from tests.support.fakes import PROPERTY

ROOM = 100_000


def add(store: Store, owner: bytes, name: bytes, data: bytes = b"", now: float = 0.0) -> None:
    store.add(owner, owner + name, owner + name + data, now)


def data(store: Store, record: int | None) -> bytes:
    assert record is not None
    return store.read(record)


@pytest.mark.parametrize("size", [0, 1, CELL - 2, CELL - 1, CELL, 3 * CELL - 2, 3 * CELL - 1, 40 * CELL])
def test_a_record_is_found_by_its_key_and_read_whole(size: int) -> None:
    store = Store(ROOM)
    add(store, b"a", b"1", bytes(range(256)) * (size // 256 + 1))
    add(store, b"a", b"2", b"other")
    assert data(store, store.find(b"a1")) == b"a1" + bytes(range(256)) * (size // 256 + 1)
    assert data(store, store.find(b"a2")) == b"a2other"
    assert store.find(b"a3") is None


def test_a_key_that_is_longer_than_a_cell_is_told_from_one_that_differs_at_its_end() -> None:
    store, name = Store(ROOM), b"x" * 2 * CELL
    add(store, b"a", name + b"1")
    assert store.find(b"a" + name + b"1") is not None
    assert store.find(b"a" + name + b"2") is None


def test_the_least_recently_used_is_the_oldest() -> None:
    store = Store(ROOM)
    assert store.oldest() is None
    for name in (b"1", b"2", b"3"):
        add(store, b"a", name)
    first = store.find(b"a1")
    assert first is not None
    store.use(b"a", first, 9.0)
    assert store.used(first) == 9.0
    assert data(store, store.oldest()) == b"a2"
    assert [data(store, record) for record in store.owned(b"a")] == [b"a2", b"a3", b"a1"]


def test_room_is_what_the_cells_have_and_comes_back() -> None:
    store = Store(ROOM)
    room = store.room
    assert room == store.most
    add(store, b"a", b"1", b"x" * (room - 2))
    record = store.oldest()
    assert store.room == 0 and record is not None
    store.remove(record)
    assert store.room == room and store.count == 0


def test_what_is_held_grows_with_use_up_to_the_bound_and_cells_are_used_again() -> None:
    store = Store(ROOM)
    empty = store.held
    for number in range(10_000):
        add(store, b"a", b"%05d" % number, b"x" * (number % 3000))
        while store.room < 3500 and (oldest := store.oldest()) is not None:
            store.remove(oldest)
        assert empty < store.held <= ROOM
    assert store.held > ROOM * 0.95


@pytest.mark.parametrize("size", [1, CELL, 5 * CELL])
def test_what_is_removed_is_overwritten(size: int) -> None:
    store = Store(ROOM)
    add(store, b"a", b"1", b"\x07" * size)
    add(store, b"b", b"1", b"\x08" * size)
    record = store.find(b"a1")
    assert record is not None
    assert b"\x07" in bytes(store._cells._memory)
    store.remove(record)
    held = bytes(store._cells._memory)
    assert (held.count(b"\x07"), held.count(b"\x08")) == (0, size)


def test_memory_that_the_system_does_not_give_is_named() -> None:
    with pytest.raises(ValueError, match="'max_bytes' of 'memory' lower"):
        Store(2**62)


OWNERS = st.sampled_from([b"a", b"b", b"\0c"])
STEPS = st.lists(st.tuples(st.sampled_from("aaur"), OWNERS, st.integers(0, 5), st.integers(0, 4 * CELL)), max_size=60)


@PROPERTY
@given(STEPS)
def test_it_is_an_ordered_dictionary_of_records(steps: list[tuple[str, bytes, int, int]]) -> None:
    store, model = Store(ROOM), dict[bytes, tuple[bytes, bytes]]()
    for time, (step, owner, number, size) in enumerate(steps):
        key = owner + b"%d" % number
        record = store.find(key)
        assert (record is None) == (key not in model)
        if record is None:
            if step == "a":
                model[key] = (owner, key + b"x" * size)
                store.add(owner, *(key, model[key][1]), float(time))
        elif step == "u":
            model[key] = model.pop(key)
            store.use(owner, record, float(time))
        elif step == "r":
            del model[key]
            store.remove(record)
        _same(store, model)


def _same(store: Store, model: dict[bytes, Any]) -> None:
    assert store.count == len(model)
    if model:
        assert data(store, store.oldest()) == next(iter(model.values()))[1]
    for owner in (b"a", b"b", b"\0c"):
        expected = [text for whose, text in model.values() if whose == owner]
        assert [store.read(record) for record in store.owned(owner)] == expected

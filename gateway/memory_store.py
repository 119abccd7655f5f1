"""Records by owner and name in memory cells of one size, the least recently used first to go."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterator

#: Bytes of a cell. Smaller ones waste less of a record's last cell, larger ones need fewer of the numbers beside them.
CELL = 512
#: Bytes beside each cell: its follower, its record's size and time of use, its places in three lists.
BESIDE = 4 + 4 + 8 + 3 * 8
#: Bytes of a head of such a list; two of the lists have one for every second cell.
HEAD = 8
#: Bytes of the objects that hold all this, and of the pages that are only begun.
FIXED = 16 * 1024
END = -1
NOTHING = bytes(CELL)


class Store:
    """Records of bytes, each found by its key, which it begins with; an owner's key begins those of its records.

    All texts and the index lie in a few anonymous mappings that are filled from the front: the allocator behind
    Python's objects, and malloc, leave holes where sizes vary, so that a process can grow to twice what it holds. The
    system gives a page when it is first written to, and ``held`` is what it has given. A number (of a record's first
    cell) names a record for as long as it is there. Not for several threads.
    """

    def __init__(self, most_bytes: int) -> None:
        most = max(1, (most_bytes - FIXED) // (CELL + BESIDE + HEAD))
        self._heads = most // 2 + 1
        self._cells = _Cells(most)
        self._used = _mapped(most * 8).cast("d")
        empty = memoryview(array("i", range(self._heads)))
        self._by_use = _Lists(empty[:1], most)
        self._by_key = _Lists(empty, most)
        self._by_owner = _Lists(empty, most)
        self.count = 0

    @property
    def held(self) -> int:
        """What the process has taken from the system; what records leave is kept for the next."""
        return FIXED + self._heads * 2 * HEAD + self._cells.touched * (CELL + BESIDE)

    @property
    def room(self) -> int:
        """How many bytes the largest record may have now."""
        return self._cells.free * CELL

    @property
    def most(self) -> int:
        """How many bytes the largest record may have if it is the only one."""
        return self._cells.most * CELL

    def find(self, key: bytes) -> int | None:
        """The record whose key it is."""
        records = self._by_key.members(hash(key) % self._heads)
        return next((record for record in records if self._begins(record, key)), None)

    def owned(self, owner: bytes) -> list[int]:
        """All records of an owner, the least recently used first."""
        records = self._by_owner.members(hash(owner) % self._heads)
        return [record for record in records if self._begins(record, owner)]

    def oldest(self) -> int | None:
        """The least recently used record."""
        return self._by_use.first(0)

    def read(self, record: int) -> bytes:
        """A record's bytes; the key comes first."""
        return self._cells.read(record)

    def used(self, record: int) -> float:
        """When it was last used."""
        return self._used[record]

    def add(self, owner: bytes, key: bytes, data: bytes, now: float) -> None:
        """A new record ``data``, which begins with ``key``; there must be room for it."""
        record = self._cells.write(data)
        self._by_key.add(hash(key) % self._heads, record)
        self._by_use.add(0, record)
        self._by_owner.add(hash(owner) % self._heads, record)
        self._used[record] = now
        self.count += 1

    def use(self, owner: bytes, record: int, now: float) -> None:
        """It is the most recently used now."""
        self._by_use.remove(record)
        self._by_use.add(0, record)
        self._by_owner.remove(record)
        self._by_owner.add(hash(owner) % self._heads, record)
        self._used[record] = now

    def remove(self, record: int) -> None:
        """Give its cells to other records."""
        for lists in (self._by_key, self._by_use, self._by_owner):
            lists.remove(record)
        self._cells.release(record)
        self.count -= 1

    def _begins(self, record: int, key: bytes) -> bool:
        return self._cells.read(record, len(key)) == key


class _Cells:
    """Chains of cells, each named by the number of its first."""

    def __init__(self, most: int) -> None:
        self._memory = _mapped(most * CELL)
        self._follower = _numbers(most)
        self._size = _numbers(most)
        self._released = END
        self.most = self.free = most
        self.touched = 0

    def write(self, data: bytes) -> int:
        memory, followers = self._memory, self._follower
        cell = END
        for start in range((len(data) - 1) // CELL * CELL, -1, -CELL):  # from its end, to know each one's follower
            follower, cell = cell, self._released
            if cell == END:
                cell = self.touched
                self.touched += 1
            else:
                self._released = followers[cell]
            followers[cell] = follower
            piece = data[start : start + CELL]
            place = cell * CELL
            memory[place : place + len(piece)] = piece
        self._size[cell] = len(data)
        self.free -= _cells(len(data))
        return cell

    def read(self, cell: int, most: int | None = None) -> bytes:
        memory, followers = self._memory, self._follower
        size, pieces = self._size[cell], []
        if most is not None and most < size:
            size = most
        for _ in range(_cells(size)):
            pieces.append(memory[cell * CELL : (cell + 1) * CELL])
            cell = followers[cell]
        return b"".join(pieces)[:size]

    def release(self, cell: int) -> None:
        memory, followers, first = self._memory, self._follower, cell
        memory[cell * CELL : (cell + 1) * CELL] = NOTHING  # what was to be forgotten is gone, not only out of reach
        while (follower := followers[cell]) != END:
            cell = follower
            memory[cell * CELL : (cell + 1) * CELL] = NOTHING
        followers[cell], self._released = self._released, first
        self.free += _cells(self._size[first])


def _cells(size: int) -> int:
    return -(-size // CELL)


class _Lists:
    """Doubly linked lists of the numbers up to ``most``, each number in at most one of them.

    A list is a ring through its head, so that its ends are no special case. The heads come first, in places that
    ``empty`` counts from 0: the neighbours of each are itself.
    """

    def __init__(self, empty: memoryview, most: int) -> None:
        self._heads = len(empty)
        self._after = _numbers(len(empty) + most)
        self._before = _numbers(len(empty) + most)
        self._after[: len(empty)] = self._before[: len(empty)] = empty

    def add(self, head: int, number: int) -> None:
        """To the end of a list."""
        place, last = self._heads + number, self._before[head]
        self._after[last] = self._before[head] = place
        self._before[place], self._after[place] = last, head

    def remove(self, number: int) -> None:
        """From its list."""
        place = self._heads + number
        before, after = self._before[place], self._after[place]
        self._after[before], self._before[after] = after, before

    def first(self, head: int) -> int | None:
        """The first number of a list, if it has any."""
        place = self._after[head]
        return None if place == head else place - self._heads

    def members(self, head: int) -> Iterator[int]:
        """A list's numbers in order; the list must stay as it is meanwhile."""
        place = self._after[head]
        while place != head:
            yield place - self._heads
            place = self._after[place]


def _mapped(size: int) -> memoryview:
    """``size`` bytes of private memory, of which a page costs nothing until it is written to."""
    try:
        return memoryview(mmap.mmap(-1, size, access=mmap.ACCESS_COPY))
    except (OSError, OverflowError):
        message = f"the system does not give {size} bytes for conversations: set 'max_bytes' of 'memory' lower"
        raise ValueError(message) from None


def _numbers(count: int) -> memoryview:
    """Whole numbers of 4 bytes, all 0."""
    return _mapped(count * 4).cast("i")

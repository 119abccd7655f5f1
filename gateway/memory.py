"""Conversations in this process's memory (``contract.Memory``)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from struct import Struct

from gateway.contract import Kept, Owner, Recalled, Turn, Usage
from gateway.memory_store import Store
from gateway.settings.schema import MemoryBounds

#: Before a turn: the bytes of its two texts, and their characters together.
TURN = Struct("<III")
#: Before an owner: the bytes of its two names. Before a conversation's name: its bytes.
NAMES, NAME = Struct("<II"), Struct("<I")
#: Idle conversations that one call clears away at most, so that none is slow; and one that counts them.
SWEPT, SWEPT_TO_COUNT = 50, 5000
#: A reply that is under way for longer than this (seconds) is not remembered if anyone was forgotten meanwhile.
MARK_SECONDS = 3600.0
#: Bytes of a mark that an owner was forgotten, how many there may be, and their largest share of ``max_bytes``.
MARK_BYTES, MOST_MARKS, MARKS_SHARE = 384, 2000, 20
#: An emptied store that has grown beyond this many bytes is given back to the system.
WORTH_RETURNING = 1024 * 1024


class InProcessMemory:
    """See ``contract.Memory``; the bounds are those of ``settings``. Not for several threads.

    Recalling and remembering are uses. Over ``max_bytes`` the least recently used conversation goes. ``usage`` counts
    what the process took from the system, which falls when nothing is held any more. A conversation that alone would
    be over the bound loses its oldest turns; a turn that alone would be is not kept.
    """

    def __init__(self, settings: MemoryBounds, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        most_marks = min(MOST_MARKS, settings.max_bytes // MARKS_SHARE // MARK_BYTES)
        self._forgotten = _Forgotten(most_marks)
        self._store_bytes = settings.max_bytes - most_marks * MARK_BYTES
        self._store = Store(self._store_bytes)

    async def recall(self, owner: Owner, conversation: str) -> Recalled:
        """See ``contract.Memory``."""
        now = self._swept()
        whose, key = _keys(owner, conversation)
        record = self._live(key, now)
        if record is None:
            return Recalled((), self._forgotten.mark)
        self._store.use(whose, record, now)
        return Recalled(_turns(self._store.read(record)[len(key) :]), self._forgotten.mark)

    async def remember(self, owner: Owner, conversation: str, turn: Turn, mark: int) -> None:
        """See ``contract.Memory``. A turn that is over the bound of characters by itself is cut."""
        now = self._swept()
        if self._forgotten.since(owner, mark, now):
            return
        whose, key = _keys(owner, conversation)
        record = self._live(key, now)
        before = b""
        if record is not None:
            before = self._store.read(record)[len(key) :]
            self._store.remove(record)
        turn = _cut(turn, self._settings.characters)
        data = key + self._fitting(before, turn, self._store.most - len(key))
        if len(data) <= self._store.most:
            self._make_room(len(data))
            self._store.add(whose, key, data, now)

    async def forget(self, owner: Owner) -> int:
        """See ``contract.Memory``."""
        now = self._swept()
        self._forgotten.add(owner, now)
        records = self._store.owned(_owner_key(owner))
        count = sum(not self._idle(record, now) for record in records)
        for record in records:
            self._drop(record)
        return count

    async def kept(self, owner: Owner) -> Sequence[Kept]:
        """See ``contract.Memory``. Reading here does not count as a use."""
        now, whose = self._swept(), _owner_key(owner)
        records = [record for record in self._store.owned(whose) if not self._idle(record, now)]
        return [self._kept(record, len(whose), now) for record in reversed(records)]

    def usage(self) -> Usage:
        """See ``contract.Memory``."""
        self._swept(SWEPT_TO_COUNT)
        held = self._store.held + len(self._forgotten) * MARK_BYTES
        return Usage(held, self._store.count, self._settings.max_bytes)

    def _kept(self, record: int, start: int, now: float) -> Kept:
        data = self._store.read(record)
        end = start + NAME.size + NAME.unpack_from(data, start)[0]
        return Kept(_text(data[start + NAME.size : end]), _turns(data[end:]), now - self._store.used(record))

    def _fitting(self, before: bytes, turn: Turn, room: int) -> bytes:
        """The new turn behind as many of those before it as may be kept and go into ``room`` bytes."""
        data = _packed(turn)
        characters = self._settings.characters - sum(map(len, turn))
        begin, places = len(before), list(_places(before))
        for start, theirs in reversed(places[max(0, len(places) - self._settings.turns + 1) :]):
            characters -= theirs
            if characters < 0 or len(before) - start + len(data) > room:
                break
            begin = start
        return before[begin:] + data

    def _make_room(self, size: int) -> None:
        while self._store.room < size and (oldest := self._store.oldest()) is not None:
            self._store.remove(oldest)

    def _live(self, key: bytes, now: float) -> int | None:
        """The record of a conversation, unless it is idle."""
        record = self._store.find(key)
        if record is not None and self._idle(record, now):
            self._drop(record)
            return None
        return record

    def _idle(self, record: int, now: float) -> bool:
        return now - self._store.used(record) > self._settings.idle_seconds

    def _swept(self, most: int = SWEPT) -> float:
        """The time, with some of what is idle cleared away."""
        now = self._clock()
        for _ in range(most):
            oldest = self._store.oldest()
            if oldest is None or not self._idle(oldest, now):
                break
            self._drop(oldest)
        return now

    def _drop(self, record: int) -> None:
        self._store.remove(record)
        if not self._store.count and self._store.held > WORTH_RETURNING:
            self._store = Store(self._store_bytes)


class _Forgotten:
    """When owners were forgotten, counted in marks. Of more than ``most``, or after an hour, the oldest is given up
    for a floor: no turn that began before it is kept, whoever's it is."""

    def __init__(self, most: int) -> None:
        self.mark = 0
        self._most = most
        self._floor = 0
        self._marks: OrderedDict[int, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, owner: Owner, now: float) -> None:
        """All turns of the owner's that have begun are of no use."""
        self.mark += 1
        self._marks[hash(owner)] = (self.mark, now)
        self._marks.move_to_end(hash(owner))
        self._clear(now)

    def since(self, owner: Owner, mark: int, now: float) -> bool:
        """Whether the owner was, or may have been, forgotten after ``mark``."""
        self._clear(now)
        return mark < max(self._floor, self._marks.get(hash(owner), (0, 0.0))[0])

    def _clear(self, now: float) -> None:
        while self._marks:
            mark, when = next(iter(self._marks.values()))
            if len(self._marks) <= self._most and now - when <= MARK_SECONDS:
                return
            self._marks.popitem(last=False)
            self._floor = mark


def _owner_key(owner: Owner) -> bytes:
    """With the lengths in front no key begins another that is not meant to: a name can hold any character."""
    org, user = _bytes(owner.org), _bytes(owner.user)
    return NAMES.pack(len(org), len(user)) + org + user


def _keys(owner: Owner, conversation: str) -> tuple[bytes, bytes]:
    """The owner's key, and the conversation's, which it begins."""
    whose, name = _owner_key(owner), _bytes(conversation)
    return whose, whose + NAME.pack(len(name)) + name


def _packed(turn: Turn) -> bytes:
    asked, answered = map(_bytes, turn)
    return TURN.pack(len(asked), len(answered), sum(map(len, turn))) + asked + answered


def _places(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each turn starts, and its characters."""
    start = 0
    while start < len(data):
        asked, answered, characters = TURN.unpack_from(data, start)
        yield start, characters
        start += TURN.size + asked + answered


def _turns(data: bytes) -> tuple[Turn, ...]:
    found, place = [], 0
    while place < len(data):
        asked, answered, _ = TURN.unpack_from(data, place)
        start = place + TURN.size
        middle, place = start + asked, start + asked + answered
        found.append(Turn(_text(data[start:middle]), _text(data[middle:place])))
    return tuple(found)


def _cut(turn: Turn, most: int) -> Turn:
    """The turn in ``most`` characters; what one text does not need of its half is the other's."""
    asked = _shortened(turn.asked, max(most // 2, most - len(turn.answered)))
    return Turn(asked, _shortened(turn.answered, most - len(asked)))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")

"""Many rows of words as one tree, so that looking for a thousand of them costs hardly more than for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from policies.common.words import CLAUSE, SENTENCE

#: One part of a row: its alternatives, each of some words; or a gap of up to so many words.
Part = Sequence[tuple[str, ...]] | int


class Hit(NamedTuple):
    """A row that was found: its place in the list, how many words of its own it has, and where it stands."""

    row: int
    words: int
    start: int
    end: int


NO_NEXT: dict[str, _Node] = {}


class _Node:
    """Where some words lead: to the next words, over gaps (by their width), to the ends of rows.

    ``entries`` are the states that are entered here: a node, and how many words may be skipped in it. One that only
    ends rows is ``shared`` by all places that end the same: nine of ten do, of tens of thousands.
    """

    __slots__ = ("ends", "entries", "gaps", "next", "shared", "words")

    def __init__(self, words: int, ends: tuple[int, ...] = (), *, shared: bool = False) -> None:
        self.words = words
        self.next: dict[str, _Node] = NO_NEXT if shared else {}
        self.gaps: dict[int, _Node] | None = None
        self.ends = ends
        self.entries: tuple[tuple[_Node, int], ...] = ()
        self.shared = shared

    def over(self, width: int) -> _Node:
        """Where a gap leads."""
        self.gaps = self.gaps or {}
        return self.gaps.setdefault(width, _Node(self.words))

    def along(self, words: Sequence[str]) -> _Node:
        """Where the words lead, of which there are some."""
        node = self
        for word in words:
            child = node.next.get(word)
            if child is None or child.shared:  # what goes on from here is of this place only
                child = node.next[word] = _Node(node.words + 1, child.ends if child else ())
            node = child
        return node


class Trie:
    """Rows of parts; each begins and ends with words. ``same`` are groups of rows which have a form in common."""

    def __init__(self, rows: Iterable[Sequence[Part]]) -> None:
        self._root = _Node(0)
        self._leaves: dict[tuple[int, tuple[int, ...]], _Node] = {}
        self.same: set[tuple[int, ...]] = set()
        for place, parts in enumerate(rows):
            self._add(place, parts)
        self._finish()

    def hits(self, line: Sequence[str]) -> Iterator[Hit]:
        """Every row that stands in ``line``, within one clause, by where it begins."""
        first = self._root.next
        for start, word in enumerate(line):
            node = first.get(word)
            if node is not None:
                yield from _follow(node, line, start)

    def _add(self, place: int, parts: Sequence[Part]) -> None:
        nodes = [self._root]
        *first, last = parts
        for part in first:
            if isinstance(part, int):
                nodes = [node.over(part) for node in nodes]
            else:
                nodes = list(dict.fromkeys(node.along(words) for node in nodes for words in part))
        assert not isinstance(last, int)
        for before, word in dict.fromkeys((node.along(words[:-1]), words[-1]) for node in nodes for words in last):
            ends = self._end(before, word, place)
            if len(ends) > 1:
                self.same.add(ends)

    def _end(self, before: _Node, word: str, place: int) -> tuple[int, ...]:
        """Have a row end with ``word``; all that end there."""
        node = before.next.get(word)
        if node is not None and not node.shared:
            node.ends += (place,)
            return node.ends
        key = before.words + 1, ((*node.ends, place) if node else (place,))
        leaf = self._leaves.get(key)
        if leaf is None:
            leaf = self._leaves[key] = _Node(*key, shared=True)
        before.next[word] = leaf
        return leaf.ends

    def _finish(self) -> None:
        left = [self._root]
        while left:
            node = left.pop()
            gaps = node.gaps or {}
            own = [(node, 0)] if node.next else []
            node.entries = (*own, *((gap, width) for width, gap in gaps.items()))
            left += [*node.next.values(), *gaps.values()]


def _follow(first: _Node, line: Sequence[str], start: int) -> Iterator[Hit]:
    """The rows that begin at ``start``. A state is visited once a word, however many ways lead to it."""
    for row in first.ends:
        yield Hit(row, 1, start, start + 1)
    states = set(first.entries)
    for at in range(start + 1, len(line)):
        word = line[at]
        if not states or word in (CLAUSE, SENTENCE):
            return
        following: set[tuple[_Node, int]] = set()
        for node, skips in states:
            if skips:
                following.add((node, skips - 1))
            child = node.next.get(word)
            if child is not None:
                following.update(child.entries)
                for row in child.ends:
                    yield Hit(row, child.words, start, at + 1)
        states = following

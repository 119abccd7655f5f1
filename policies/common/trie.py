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


class _Node:
    """Where some words lead: to the next words, over gaps (by their width), to the ends of rows.

    ``entries`` are the states that are entered here: a node, and how many words may be skipped in it.
    """

    __slots__ = ("ends", "entries", "gaps", "next", "words")

    def __init__(self, words: int) -> None:
        self.words = words
        self.next: dict[str, _Node] = {}
        self.gaps: dict[int, _Node] | None = None
        self.ends: tuple[int, ...] = ()
        self.entries: tuple[tuple[_Node, int], ...] = ()

    def over(self, width: int) -> _Node:
        """Where a gap leads."""
        self.gaps = self.gaps or {}
        return self.gaps.setdefault(width, _Node(self.words))

    def along(self, words: Sequence[str]) -> _Node:
        """Where the words lead, of which there are some."""
        node = self
        for word in words:
            if word not in node.next:
                node.next[word] = _Node(node.words + 1)
            node = node.next[word]
        return node


class Trie:
    """Rows of parts; each begins and ends with words. ``same`` are groups of rows which have a form in common."""

    def __init__(self, rows: Iterable[Sequence[Part]]) -> None:
        self._root = _Node(0)
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
        for part in parts:
            if isinstance(part, int):
                nodes = [node.over(part) for node in nodes]
            else:
                nodes = list(dict.fromkeys(node.along(words) for node in nodes for words in part))
        for node in nodes:
            node.ends += (place,)
            if len(node.ends) > 1:
                self.same.add(node.ends)

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

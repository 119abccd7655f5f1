"""Splits a document into chunks along its own structure.

A heading of level 1 or 2 begins a new chunk, unless what it would part is tiny; one below it does where both parts
don't fit into one. Paragraphs are joined to about ``target`` characters. A heading stands in the chunk's ``heading``
or, where several sections share a chunk, in its text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.retrieval.cut import cut
from gateway.retrieval.types import Block, Chunk, Document, Kind

BETWEEN = "\n\n"
PATH = " > "
#: A longer heading is a paragraph that was set as one.
LONGEST_HEADING = 160
#: A section below this share of the target may share a chunk with its neighbour.
TINY = 6
#: Headings up to this level part chunks.
PARTING = 2


class Sizes(Protocol):
    """Characters of a chunk's text: about ``target``, never more than ``most``."""

    @property
    def target(self) -> int:
        """Paragraphs are joined up to it."""

    @property
    def most(self) -> int:
        """What is longer is cut."""


class Heading(NamedTuple):
    """A heading; ``number`` tells it from another one of the same words."""

    number: int
    text: str


Path = tuple[Heading, ...]


class Piece(NamedTuple):
    """Text that goes into one chunk whole, and the headings above it."""

    path: Path
    text: str


@dataclass(slots=True)
class Section:
    """What stands under one heading of ``level``; 0 where it stands before the first one."""

    path: Path
    level: int
    texts: list[str] = field(default_factory=list)

    def size(self) -> int:
        """An upper bound of the characters that it takes in a chunk."""
        return _headings(self.path) + sum(len(text) + len(BETWEEN) for text in self.texts)


@dataclass(slots=True)
class Group:
    """The pieces of a chunk in the making; ``size`` is an upper bound of its text's characters."""

    pieces: list[Piece] = field(default_factory=list)
    size: int = 0

    def bound(self, piece: Piece) -> int:
        """The size with ``piece`` in it."""
        known = self.pieces and self.pieces[-1].path == piece.path
        return self.size + len(piece.text) + len(BETWEEN) + (0 if known else _headings(piece.path))

    def add(self, piece: Piece) -> None:
        """Put it at the end."""
        self.size = self.bound(piece)
        self.pieces.append(piece)


def split(document: Document, sizes: Sizes) -> list[Chunk]:
    """The document's chunks in order; the same document gives the same chunks. None where it holds no text."""
    most, target = sizes.most, min(sizes.target, sizes.most)
    sections = _sections(document.blocks, target, most)
    groups = _groups(sections, target, most)
    return [_chunk(document, ordinal, group) for ordinal, group in enumerate(groups)]


def _sections(blocks: Sequence[Block], target: int, most: int) -> list[Section]:
    """The blocks' texts under their headings. A heading with nothing under it, not even another heading, is itself a
    text of the section above."""
    sections = [Section((), 0)]
    path: list[tuple[int, Heading]] = []
    for number, block in enumerate(blocks):
        if block.kind is not Kind.HEADING or len(block.text.strip()) > LONGEST_HEADING:
            sections[-1].texts += cut(block, target, most)
        elif words := " ".join(block.text.split()):
            level = min(max(block.level, 1), 6)
            _bury(sections, level)
            path = [*(above for above in path if above[0] < level), (level, Heading(number, words))]
            sections.append(Section(tuple(heading for _, heading in path), level))
    _bury(sections, 0)
    return [section for section in sections if section.texts]


def _bury(sections: list[Section], level: int) -> None:
    """Make a heading that has nothing under it a text, as the heading of ``level`` is about to end it."""
    last = sections[-1]
    if not last.texts and last.path and level <= last.level:
        last.texts.append(last.path[-1].text)
        last.path = last.path[:-1]


def _groups(sections: Sequence[Section], target: int, most: int) -> Iterator[Group]:
    group = Group()
    for section in sections:
        if group.pieces and _parts(group, section, target):
            yield group
            group = Group()
        for text in section.texts:
            piece = Piece(section.path, text)
            if group.pieces and not _fits(group, piece, target, most):
                yield group
                group = Group()
            group.add(piece)
    if group.pieces:
        yield group


def _parts(group: Group, section: Section, target: int) -> bool:
    """Whether ``section`` begins a new chunk."""
    tiny = target // TINY
    if group.size < tiny:
        return False
    if section.level <= PARTING and section.size() >= tiny:
        return True
    return group.size + section.size() > target


def _fits(group: Group, piece: Piece, target: int, most: int) -> bool:
    """Up to the target; beyond it where the chunk would else be less than half of that, as with what introduces a
    table."""
    bound = group.bound(piece)
    return bound <= target or (group.size < target // 2 and bound <= most)


def _headings(path: Path) -> int:
    return sum(len(heading.text) + len(BETWEEN) for heading in path)


def _chunk(document: Document, ordinal: int, group: Group) -> Chunk:
    shared = _shared([piece.path for piece in group.pieces])
    text = _text(group.pieces, len(shared))
    # A title that is the first heading too is not to count twice.
    above = [heading.text for heading in shared]
    heading = PATH.join(above[1:] if above[:1] == [document.title] else above)
    indexed = "\n".join(part for part in (document.title, heading, text) if part)
    text_hash = _hash(indexed)
    return Chunk(
        id=_hash(f"{document.key}\0{ordinal}\0{text_hash}")[:32],
        document=document.key,
        ordinal=ordinal,
        title=document.title,
        heading=heading,
        text=text,
        indexed=indexed,
        source=document.source,
        document_type=document.document_type,
        category=document.category,
        content_hash=document.content_hash,
        text_hash=text_hash,
    )


def _shared(paths: Sequence[Path]) -> Path:
    """The headings above all of them."""
    first, last = min(paths), max(paths)
    same = 0
    while same < len(first) and first[same : same + 1] == last[same : same + 1]:
        same += 1
    return first[:same]


def _text(pieces: Sequence[Piece], shared: int) -> str:
    """The pieces under those of their headings that the chunk's own don't name, each once."""
    parts: list[str] = []
    before: Path = pieces[0].path[:shared]
    for piece in pieces:
        same = len(_shared([before, piece.path]))
        parts += [*(heading.text for heading in piece.path[max(same, shared) :]), piece.text]
        before = piece.path
    return BETWEEN.join(parts)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

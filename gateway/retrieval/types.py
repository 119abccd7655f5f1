"""What passes between reading, splitting, embedding and storing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class Kind(StrEnum):
    """What a block of a document is. TABLE, LIST and CODE are kept whole where they fit into a chunk."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


class Block(NamedTuple):
    """A piece of a document as its author set it apart. ``level`` is a heading's, 1 to 6, and 0 for the rest."""

    kind: Kind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read. ``key`` is its path within the ingested folder, with ``/``; ``source`` is what is shown of
    where it came from (front matter, else the key); ``category`` is the front matter's, else its first folder, else
    ``general``; ``content_hash`` is of the file's bytes."""

    key: str
    title: str
    source: str
    document_type: str
    category: str
    content_hash: str
    blocks: Sequence[Block]


class Unreadable(Exception):
    """A file that can't be ingested; the message says why, in words for the summary."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document as it is indexed. ``heading`` is the path of headings above it, joined by `` > ``;
    ``text`` is what is shown and quoted; ``indexed`` (title, heading and text) is what is searched and embedded.
    ``text_hash`` is of ``indexed``; ``id`` of document key, ordinal and text_hash."""

    id: str
    document: str
    ordinal: int
    title: str
    heading: str
    text: str
    indexed: str
    source: str
    document_type: str
    category: str
    content_hash: str
    text_hash: str


Vector = Sequence[float]


class Embedder(Protocol):
    """Turns texts into vectors of length 1. ``name`` and ``dimension`` stand with the index: two that differ in either
    are never mixed."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in their order; raises EmbedderError where it can't."""


class EmbedderError(Exception):
    """Texts that could not be embedded; the message says why and holds nothing of the texts."""


class Hit(NamedTuple):
    """A chunk that a search found. ``similarity`` is the cosine to the query, None where it has no vector or there is
    no query vector; ``bm25`` is the text index's score, None where the text search did not find it."""

    chunk: Chunk
    similarity: float | None
    bm25: float | None


class Active(NamedTuple):
    """The embeddings that an index serves with."""

    model: str
    dimension: int
    table: str


class IndexState(NamedTuple):
    """What an index holds. ``embedded`` of the ``chunks`` have a vector of ``active``; ``ingested`` is when the last
    ingest ended, in seconds since 1970, None where none has."""

    documents: int
    chunks: int
    embedded: int
    active: Active | None
    ingested: float | None

"""What an index must do, for whoever searches it and whoever writes it; ``lance`` does it with LanceDB."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from gateway.retrieval.types import Active, Chunk, Hit, IndexState, Vector


class Unembedded(NamedTuple):
    """A text that has no vector yet, with its hash and its chunk's category."""

    text_hash: str
    indexed: str
    category: str


class StoreError(Exception):
    """An index that can't be read or written; the message says why, without keys and addresses."""


class Searched(Protocol):
    """An index as it is asked. Every method raises StoreError."""

    async def state(self) -> IndexState:
        """What it holds now."""

    async def by_text(self, query: str, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        """The chunks that share words with ``query``, the best first; misspelt words count where they are near."""

    async def by_vector(self, vector: Vector, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        """The chunks that are nearest in meaning, by the active embeddings; none where there are none."""

    async def similarities(self, vector: Vector, text_hashes: Collection[str]) -> Mapping[str, float]:
        """The cosine of each of these texts that has a vector of the active embeddings."""


class Written(Protocol):
    """An index as an ingest writes it. Every method raises StoreError, and each change is all or nothing."""

    async def documents(self) -> Mapping[str, str]:
        """The content hash of each document, by its key."""

    async def replace(self, batch: Mapping[str, Sequence[Chunk]]) -> None:
        """These documents' chunks in place of all that they had; other documents are left alone."""

    async def drop(self, keys: Collection[str]) -> None:
        """Remove these documents."""

    async def searchable(self) -> None:
        """Put what was written into the text index, so that searches find all of it."""

    async def unembedded(self, model: str, dimension: int, limit: int) -> list[Unembedded]:
        """Texts without a vector of these embeddings."""

    async def embed(self, model: str, dimension: int, vectors: Mapping[Unembedded, Vector]) -> None:
        """Add vectors; making their table where it is not there yet."""

    async def activate(self, model: str, dimension: int) -> None:
        """Serve with these embeddings from now on, and remove the tables of all others."""

    async def index(self) -> None:
        """Bring indexes up to date, compact, and clear what nothing refers to any more."""

    async def ended(self, when: float) -> None:
        """Note when an ingest ended."""


class Store(Searched, Written, Protocol):
    """Both; ``active`` may be None, which is an index that is searched by text only."""

    @property
    def active(self) -> Active | None:
        """The embeddings that it is searched by, as last seen."""

    async def look(self) -> Active | None:
        """The same, seen anew where that was too long ago; raises StoreError."""

    async def aclose(self) -> None:
        """Let go of it."""

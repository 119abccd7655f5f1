"""Searching an index in LanceDB: by words, by meaning, and the similarity of texts that are known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np
from lancedb.query import FullTextQuery, MatchQuery

from gateway.retrieval.lance_errors import RAISED, in_words, is_missing
from gateway.retrieval.lance_rows import chunk_of, text_keys
from gateway.retrieval.lance_tables import CHUNKS, Tables, quoted
from gateway.retrieval.spelling import spelt, unknown, words
from gateway.retrieval.store import StoreError
from gateway.retrieval.types import Active, Chunk, Hit, Vector

T = TypeVar("T")
MOST_WORDS = 64
#: Of a search for words that are nearly these. One edit, or two in a long word, the first letter being right.
EXPANSIONS = 12
TWO_EDITS_FROM = 8
NEAR = 5
#: Vectors that outlived their text are found too, until the next ingest clears them.
SPARE = 10
PROBES = 20


class Searching(Tables):
    """Asks the tables."""

    async def by_text(self, query: str, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        """The chunks that share words with ``query``, the best first; misspelt words count where they are near."""
        asked = words(query, MOST_WORDS)
        if not asked:
            return []
        with in_words(self._store, "read"):
            await self._look()
            hits = await self._matching(MatchQuery(" ".join(asked), "indexed"), limit, categories)
            missing = unknown(asked, (hit.chunk.indexed for hit in hits))
            found = await asyncio.gather(*(self._spelling(word) for word in missing))
            corrected = [word for word in found if word]
            if corrected:
                hits = await self._matching(MatchQuery(" ".join([*asked, *corrected]), "indexed"), limit, categories)
        return hits

    async def _spelling(self, word: str) -> str | None:
        """How the texts spell what may be ``word``."""
        edits = 2 if len(word) >= TWO_EDITS_FROM else 1
        near = MatchQuery(word, "indexed", fuzziness=edits, prefix_length=1, max_expansions=EXPANSIONS)
        return spelt(word, [hit.chunk.indexed for hit in await self._matching(near, NEAR, ())])

    async def by_vector(self, vector: Vector, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        """The chunks that are nearest in meaning, by the active embeddings; none where there are none."""
        with in_words(self._store, "read"):
            near = await self._of_active(
                vector, lambda active: self._nearest(active, vector, limit + SPARE, categories)
            )
            if not near:
                return []
            chunks = await self._chunks_of(near, categories)
        hits = [Hit(chunk, near[chunk.text_hash], None) for chunk in chunks if chunk.text_hash in near]
        return sorted(hits, key=lambda hit: (-(hit.similarity or 0.0), hit.chunk.id))[:limit]

    async def similarities(self, vector: Vector, text_hashes: Collection[str]) -> Mapping[str, float]:
        """The cosine of each of these texts that has a vector of the active embeddings."""
        if not text_hashes:
            return {}
        with in_words(self._store, "read"):
            found = await self._of_active(vector, lambda active: self._cosines(active, vector, text_hashes))
        return found or {}

    async def _matching(self, query: FullTextQuery, limit: int, categories: Collection[str]) -> list[Hit]:
        table = await self._table(CHUNKS)
        search = table.query().nearest_to_text(query).limit(limit).select(["body", "_score"])
        if self._indexed_only:
            search = search.fast_search()
        if categories:
            search = search.where(_within(categories))
        return [Hit(chunk_of(row["body"]), None, row["_score"]) for row in await search.to_list()]

    async def _of_active(self, vector: Vector, ask: Callable[[Active], Awaitable[T]]) -> T | None:
        """What ``ask`` finds in the active embeddings; None without any. Asks again where another process has made
        others active and dropped these."""
        active = await self._look()
        try:
            return None if active is None else await ask(_fitting(active, vector))
        except RAISED as error:
            if active is None or not is_missing(error):
                raise
            await self._forget(active.table)
            now = await self._look(now=True)
            return None if now is None else await ask(_fitting(now, vector))

    async def _nearest(
        self, active: Active, vector: Vector, limit: int, categories: Collection[str]
    ) -> dict[str, float]:
        """Cosines by text hash."""
        table = await self._table(active.table)
        search = table.query().nearest_to(np.asarray(vector, dtype=np.float32)).distance_type("cosine")
        search = search.minimum_nprobes(PROBES).maximum_nprobes(0).limit(limit).select(["text_hash", "_distance"])
        if categories:
            search = search.where(_within(categories))
        return {row["text_hash"]: 1.0 - row["_distance"] for row in await search.to_list()}

    async def _chunks_of(self, text_hashes: Collection[str], categories: Collection[str]) -> Sequence[Chunk]:
        table = await self._table(CHUNKS)
        where = f"text_key IN ({text_keys(text_hashes)})" + (f" AND {_within(categories)}" if categories else "")
        return [chunk_of(row["body"]) for row in await table.query().where(where).select(["body"]).to_list()]

    async def _cosines(self, active: Active, vector: Vector, text_hashes: Collection[str]) -> Mapping[str, float]:
        table = await self._table(active.table)
        where = f"text_key IN ({text_keys(text_hashes)})"
        rows = await table.query().where(where).select(["text_hash", "vector"]).to_arrow()
        if not rows.num_rows:
            return {}
        vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, active.dimension)
        asked = np.asarray(vector, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1) * float(np.linalg.norm(asked))
        cosines = (vectors @ asked) / np.maximum(lengths, 1e-12)
        return dict(zip(rows["text_hash"].to_pylist(), cosines.tolist(), strict=True))


def _fitting(active: Active, vector: Vector) -> Active:
    """``active``, where ``vector`` can be one of its; raises StoreError where the dimension says that it isn't."""
    if len(vector) != active.dimension:
        raise StoreError(
            f"the index was made with {active.model} ({active.dimension} dimensions) and asked with a vector of "
            f"{len(vector)}: embeddings of different models are never mixed"
        )
    return active


def _within(categories: Collection[str]) -> str:
    return f"category IN ({quoted(sorted(categories))})"

"""Writing an index in LanceDB. Each change is one commit, so that it is there as a whole or not at all, and is made
anew where another writer's commit came between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from lancedb.index import FTS, Bitmap, BTree, IvfFlat
from lancedb.table import AsyncTable

from gateway.retrieval.lance_errors import RAISED, in_words, insisting
from gateway.retrieval.lance_rows import (
    chunk_row,
    chunk_schema,
    meta_schema,
    text_keys,
    vector_keys,
    vector_pairs,
    vector_row,
    vector_schema,
)
from gateway.retrieval.lance_tables import CHUNKS, META, VECTORS, Tables, quoted, vectors_name
from gateway.retrieval.store import Unembedded
from gateway.retrieval.types import Chunk, Vector

#: Rows from which vectors get an index; below, comparing with each is as quick, and exact.
INDEXED_FROM = 20_000
#: Rows that a search has to go through one by one until they are put into the indexes.
MOST_UNINDEXED = 2_000
#: Old versions live this long, for whoever reads them still.
KEPT = timedelta(minutes=10)
#: Keys of one DELETE.
AT_ONCE = 500
#: The index over vectors is trained anew when they are so many times what it was trained with.
GROWTH = 4


class Writing(Tables):
    """Changes the tables."""

    async def prepare(self) -> None:
        """Make what is not there yet."""
        with in_words(self._store, "written"):
            chunks = await self._made(CHUNKS, chunk_schema())
            await self._made(META, meta_schema())
            await _indexed(chunks, "indexed", FTS(remove_stop_words=False))
            await _indexed(chunks, "text_key", BTree())
            await _indexed(chunks, "document", BTree())
            await _indexed(chunks, "category", Bitmap())

    async def documents(self) -> Mapping[str, str]:
        """The content hash of each document, by its key."""
        with in_words(self._store, "read"):
            rows = await (await self._table(CHUNKS)).query().select(["document", "content_hash"]).to_arrow()
        distinct = rows.group_by(["document", "content_hash"]).aggregate([])
        return dict(zip(distinct["document"].to_pylist(), distinct["content_hash"].to_pylist(), strict=True))

    async def replace(self, batch: Mapping[str, Sequence[Chunk]]) -> None:
        """These documents' chunks in place of all that they had; other documents are left alone."""
        if not batch:
            return
        rows = pa.Table.from_pylist(
            [chunk_row(position, chunk) for chunks in batch.values() for position, chunk in enumerate(chunks)],
            schema=chunk_schema(),
        )
        with in_words(self._store, "written"):
            table = await self._table(CHUNKS)
            merge = table.merge_insert("slot").when_matched_update_all().when_not_matched_insert_all()
            merge = merge.when_not_matched_by_source_delete(f"document IN ({quoted(batch)})")
            await insisting(lambda: merge.execute(rows))
            await _indexed_rows(table, "indexed")

    async def drop(self, keys: Collection[str]) -> None:
        """Remove these documents."""
        with in_words(self._store, "written"):
            await _deleted(await self._table(CHUNKS), "document", keys)

    async def searchable(self) -> None:
        """Put what was written into the text index, so that searches find all of it."""
        with in_words(self._store, "written"):
            await _indexed_rows(await self._table(CHUNKS), "indexed", most=0)

    async def unembedded(self, model: str, dimension: int, limit: int) -> list[Unembedded]:
        """Texts without a vector of these embeddings."""
        with in_words(self._store, "read"):
            have = await self._keys_of_vectors(vectors_name(model, dimension))
            table = await self._table(CHUNKS)
            wanted = await _keys_of_chunks(table)
            missing = await asyncio.to_thread(lambda: pc.unique(wanted.filter(pc.invert(pc.is_in(wanted, have)))))
            pairs = vector_pairs(missing.slice(0, limit))
            texts = await self._texts({text_hash for text_hash, _ in pairs})
        return [Unembedded(pair[0], texts[pair[0]], pair[1]) for pair in pairs if pair[0] in texts]

    async def _texts(self, text_hashes: Collection[str]) -> Mapping[str, str]:
        if not text_hashes:
            return {}
        found = (await self._table(CHUNKS)).query().where(f"text_key IN ({text_keys(text_hashes)})")
        return {row["text_hash"]: row["indexed"] for row in await found.select(["text_hash", "indexed"]).to_list()}

    async def embed(self, model: str, dimension: int, vectors: Mapping[Unembedded, Vector]) -> None:
        """Add vectors; making their table where it is not there yet."""
        name, schema = vectors_name(model, dimension), vector_schema(dimension)
        rows = pa.Table.from_pylist([vector_row(text, vector) for text, vector in vectors.items()], schema=schema)
        with in_words(self._store, "written"):
            table = await self._made(name, schema)
            await _indexed(table, "text_key", BTree())
            await _indexed(table, "category", Bitmap())
            merge = table.merge_insert("key").when_not_matched_insert_all()
            await insisting(lambda: merge.execute(rows))
            await self._trained(name, table)
            await _indexed_rows(table, "vector")

    async def activate(self, model: str, dimension: int) -> None:
        """Serve with these embeddings from now on, and remove the tables of all others."""
        name = vectors_name(model, dimension)
        with in_words(self._store, "written"):
            await self._made(name, vector_schema(dimension))
            await self._note("active", [model, dimension, name])
            active = await self._look(now=True)  # another writer's by now, it may be
            for other in await self._names():
                if other.startswith(VECTORS) and other not in (name, active.table if active else name):
                    await self._forget(other)
                    await self._connection.drop_table(other, ignore_missing=True)

    async def index(self) -> None:
        """Bring indexes up to date, compact, and clear what nothing refers to any more."""
        with in_words(self._store, "written"):
            chunks = await self._table(CHUNKS)
            for name in await self._names():
                if name.startswith(VECTORS):
                    await self._index_vectors(name, await self._table(name), chunks)
            for table in (chunks, await self._table(META)):
                await _optimized(table)

    async def ended(self, when: float) -> None:
        """Note when an ingest ended."""
        with in_words(self._store, "written"):
            await self._note("ingested", when)

    async def _index_vectors(self, name: str, table: AsyncTable, chunks: AsyncTable) -> None:
        have = (await table.query().select(["key"]).to_arrow())["key"]
        texts = await _keys_of_chunks(chunks)  # read last: another writer's chunks are there before their vectors
        orphans = have.filter(pc.invert(pc.is_in(have, texts))).to_pylist()
        await _deleted(table, "key", orphans)
        await self._trained(name, table)
        await _optimized(table)

    async def _trained(self, name: str, table: AsyncTable) -> None:
        """An index over the vectors, once they are many, and again once they are many times that."""
        rows = await table.count_rows()
        if rows < INDEXED_FROM:
            return
        # The note outlives a table that was dropped and made again.
        trained = await table.index_stats("vector_idx") is not None
        if trained and rows < GROWTH * (await self._value(f"trained {name}") or 0):
            return
        config = IvfFlat(distance_type="cosine", num_partitions=math.isqrt(rows))
        await insisting(lambda: table.create_index("vector", config=config))
        await self._note(f"trained {name}", rows)

    async def _keys_of_vectors(self, name: str) -> pa.ChunkedArray:
        if name not in self._open and name not in await self._names():
            return pa.chunked_array([[]], pa.string())
        return (await (await self._table(name)).query().select(["key"]).to_arrow())["key"]


async def _keys_of_chunks(chunks: AsyncTable) -> pa.ChunkedArray:
    return vector_keys(await chunks.query().select(["text_hash", "category"]).to_arrow())


async def _indexed(table: AsyncTable, column: str, config: Any) -> None:
    """Make an index where there is none on ``column``."""

    async def attempt() -> None:
        if any(index.columns == [column] for index in await table.list_indices()):
            return
        try:
            await table.create_index(column, config=config, replace=False)
        except RAISED as error:
            if "already exists" not in str(error):  # as another writer has made it just now
                raise

    await insisting(attempt)


async def _indexed_rows(table: AsyncTable, column: str, most: int = MOST_UNINDEXED) -> None:
    """Put rows into the indexes once more than ``most`` of them are in none."""
    stats = await table.index_stats(f"{column}_idx")
    if stats is not None and stats.num_unindexed_rows > most:
        await _optimized(table)


async def _optimized(table: AsyncTable) -> None:
    await insisting(lambda: table.optimize(cleanup_older_than=KEPT))


async def _deleted(table: AsyncTable, column: str, values: Collection[str]) -> None:
    ordered = list(values)
    for start in range(0, len(ordered), AT_ONCE):
        where = f"{column} IN ({quoted(ordered[start : start + AT_ONCE])})"
        await insisting(partial(table.delete, where))

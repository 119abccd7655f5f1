"""An index in LanceDB, whole: what the protocol ``Store`` asks for."""

from __future__ import annotations

import asyncio

import pyarrow as pa
import pyarrow.compute as pc
from lancedb.table import AsyncTable

from gateway.retrieval.lance_errors import RAISED, in_words, is_missing
from gateway.retrieval.lance_rows import vector_keys
from gateway.retrieval.lance_search import Searching
from gateway.retrieval.lance_tables import CHUNKS, META
from gateway.retrieval.lance_write import Writing
from gateway.retrieval.types import Active, IndexState


class LanceStore(Searching, Writing):
    """An index in LanceDB, to be searched and written."""

    _counted: tuple[tuple[str, int, int], tuple[int, int, int]] | None = None

    async def state(self) -> IndexState:
        """What it holds now. Counted anew only where it was changed."""
        with in_words(self._store, "read"):
            active = await self._look()
            documents, chunks, embedded = await self._counts()
            ingested = await self._value("ingested")
        return IndexState(documents, chunks, embedded, active, ingested)

    async def look(self) -> Active | None:
        """The active embeddings, asked for anew where that was too long ago."""
        with in_words(self._store, "read"):
            return await self._look()

    async def is_there(self) -> bool:
        """Whether there is an index."""
        with in_words(self._store, "read"):
            return {CHUNKS, META} <= set(await self._names())

    async def _vectors(self, active: Active) -> AsyncTable | None:
        """The table of the active embeddings; None where it is gone, so that the next ingest can make it again."""
        try:
            table = await self._table(active.table)
            await table.version()
        except RAISED as error:
            if not is_missing(error):
                raise
            await self._forget(active.table)
            return None
        return table

    async def _counts(self) -> tuple[int, int, int]:
        """Documents, chunks, and those of them that have a vector of the active embeddings."""
        active, chunks = self.active, await self._table(CHUNKS)
        vectors = await self._vectors(active) if active else None
        seen = (active.table if active else "", await chunks.version(), await vectors.version() if vectors else 0)
        if self._counted is None or self._counted[0] != seen:
            rows = await chunks.query().select(["document", "text_hash", "category"]).to_arrow()
            have = (await vectors.query().select(["key"]).to_arrow())["key"] if vectors else None
            self._counted = seen, await asyncio.to_thread(_counted, rows, have)
        return self._counted[1]


def _counted(rows: pa.Table, have: pa.ChunkedArray | None) -> tuple[int, int, int]:
    documents = pc.count_distinct(rows["document"]).as_py()
    embedded = 0 if have is None else pc.sum(pc.is_in(vector_keys(rows), have)).as_py() or 0
    return documents, rows.num_rows, embedded

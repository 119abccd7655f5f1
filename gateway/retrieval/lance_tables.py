"""The tables of an index in LanceDB: their names, how they are opened, and what is known of them.

Importing this takes LanceDB in: 1.5 s and 130 MB.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import lancedb
import pyarrow as pa
from lancedb.db import AsyncConnection
from lancedb.table import AsyncTable

from gateway.retrieval.lance_errors import in_words, insisting
from gateway.retrieval.lance_rows import meta_schema
from gateway.retrieval.types import Active

CHUNKS = "chunks"
META = "meta"
VECTORS = "vectors_"
#: A search goes through rows one by one that no index holds yet; where they are more than so many, and fewer than those
#: that an index holds, as in the middle of a large ingest, it leaves them out until they are indexed.
MOST_SCANNED = 500


def quoted(values: Collection[str]) -> str:
    """``values`` as SQL's list of strings, without its parentheses."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def vectors_name(model: str, dimension: int) -> str:
    """The table of a model's vectors. A hash of the name tells models apart whose names make the same words."""
    words = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")[:40]
    return f"{VECTORS}{words}_{hashlib.sha256(model.encode()).hexdigest()[:8]}_{dimension}"


class Tables:
    """An index's tables over one connection. ``refresh_seconds`` is how old the knowledge of what is active may be;
    0 asks each time."""

    def __init__(self, connection: AsyncConnection, store: str, refresh_seconds: float) -> None:
        self._connection = connection
        self._store = store
        self._refresh_seconds = refresh_seconds
        self._open: dict[str, AsyncTable] = {}
        self._active: Active | None = None
        self._indexed_only = False
        self._looked: float | None = None
        self._looking = asyncio.Lock()

    @property
    def active(self) -> Active | None:
        """The embeddings that it is searched by, as last seen."""
        return self._active

    async def aclose(self) -> None:
        """Let go of the tables and the connection."""
        for table in self._open.values():
            table.close()
        self._open.clear()
        self._connection.close()

    async def _table(self, name: str) -> AsyncTable:
        """An open table; raises what LanceDB raises where it is not there."""
        if name not in self._open:
            self._open[name] = await self._connection.open_table(name)
        return self._open[name]

    async def _made(self, name: str, schema: pa.Schema) -> AsyncTable:
        """An open table, made where it is not there yet."""
        if name not in self._open:
            self._open[name] = await insisting(
                lambda: self._connection.create_table(name, schema=schema, exist_ok=True)
            )
        return self._open[name]

    async def _names(self) -> Sequence[str]:
        listed: Sequence[str] = (await self._connection.list_tables(limit=1000)).tables
        return listed

    async def _value(self, name: str) -> Any:
        """What stands in ``meta``, None where nothing does."""
        table = await self._table(META)
        rows = await table.query().where(f"name IN ({quoted([name])})").select(["value"]).to_list()
        return json.loads(rows[0]["value"]) if rows else None

    async def _note(self, name: str, value: Any) -> None:
        schema = meta_schema()
        row = pa.Table.from_pylist([{"name": name, "value": json.dumps(value)}], schema=schema)
        merge = (await self._made(META, schema)).merge_insert("name")
        await insisting(lambda: merge.when_matched_update_all().when_not_matched_insert_all().execute(row))

    async def _look(self, *, now: bool = False) -> Active | None:
        """What is active, asked again where that is older than ``refresh_seconds`` (or ``now``). While one asks, all
        others go on with what was seen before."""
        fresh = self._looked is not None and time.monotonic() - self._looked < self._refresh_seconds
        if (fresh or (self._looked is not None and self._looking.locked())) and not now:
            return self._active
        async with self._looking:
            value = await self._value("active")
            self._active = None if value is None else Active(*value)
            stats = await (await self._table(CHUNKS)).index_stats("indexed_idx")
            self._indexed_only = stats is not None and MOST_SCANNED < stats.num_unindexed_rows < stats.num_indexed_rows
            self._looked = time.monotonic()
        return self._active

    async def _forget(self, name: str) -> None:
        """Close a table that another process may have dropped."""
        table = self._open.pop(name, None)
        if table is not None:
            table.close()


async def connected(uri: str, options: dict[str, str], seconds: float, store: str) -> AsyncConnection:
    """A connection whose reads see others' changes after ``seconds``; raises StoreError."""
    with in_words(store, "read"):
        return await lancedb.connect_async(
            uri, storage_options=options or None, read_consistency_interval=timedelta(seconds=seconds)
        )

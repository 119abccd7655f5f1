"""The rows of an index in LanceDB: their columns, and what they are made of.

``chunks`` has a row a chunk. Its primary key is the slot, position and document together: two writers of one document
meet at its first slot, whatever they write, so that one of them sees the other's rows and replaces them. LanceDB
compares keys of concurrent writers only where the column is marked as the primary key.

What a search returns stands in one column, ``body``: to read twelve takes twice as long. Texts are looked up by a
number, which an index finds sooner than a string.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gateway.retrieval.store import Unembedded
from gateway.retrieval.types import Chunk, Vector

GLUE = ":"


def chunk_schema() -> pa.Schema:
    """``slot``; what is filtered by and counted; ``indexed``, which is searched; ``body``, the chunk as JSON."""
    names = ["document", "content_hash", "category", "text_hash", "indexed", "body"]
    return pa.schema([_key("slot"), pa.field("text_key", pa.int64()), *(pa.field(name, pa.string()) for name in names)])


def vector_schema(dimension: int) -> pa.Schema:
    """``key`` (text and category together), ``text_hash``, ``text_key``, ``category``, ``vector``."""
    vector = pa.list_(pa.float32(), dimension)
    fields = [("text_hash", pa.string()), ("text_key", pa.int64()), ("category", pa.string()), ("vector", vector)]
    return pa.schema([_key("key"), *(pa.field(name, kind) for name, kind in fields)])


def meta_schema() -> pa.Schema:
    """``name`` and ``value``, which is JSON."""
    return pa.schema([_key("name"), pa.field("value", pa.string())])


def chunk_row(position: int, chunk: Chunk) -> dict[str, Any]:
    """A row of ``chunks``; ``position`` is the chunk's among its document's."""
    return {
        "slot": f"{position}{GLUE}{chunk.document}",
        "text_key": text_key(chunk.text_hash),
        "document": chunk.document,
        "content_hash": chunk.content_hash,
        "category": chunk.category,
        "text_hash": chunk.text_hash,
        "indexed": chunk.indexed,
        "body": _body(chunk),
    }


def chunk_of(body: str) -> Chunk:
    """The chunk of a row's ``body``."""
    fields = orjson.loads(body)
    if isinstance(fields["text"], int):
        fields["text"] = fields["indexed"][len(fields["indexed"]) - fields["text"] :]
    return Chunk(**fields)


def vector_row(text: Unembedded, vector: Vector) -> dict[str, Any]:
    """A row of a vectors' table."""
    return {
        "key": f"{text.text_hash}{GLUE}{text.category}",
        "text_hash": text.text_hash,
        "text_key": text_key(text.text_hash),
        "category": text.category,
        "vector": vector,
    }


def vector_keys(rows: pa.Table) -> pa.ChunkedArray:
    """The key that each chunk's vector has; ``rows`` have ``text_hash`` and ``category``."""
    return pc.binary_join_element_wise(rows["text_hash"], rows["category"], GLUE)


def vector_pairs(keys: pa.ChunkedArray) -> list[tuple[str, str]]:
    """Text hash and category of each key."""
    parted = (key.partition(GLUE) for key in keys.to_pylist())
    return [(text_hash, category) for text_hash, _, category in parted]


def text_key(text_hash: str) -> int:
    """A text's number: 60 bits, which tell the texts of any one index apart."""
    return int(hashlib.sha256(text_hash.encode()).hexdigest()[:15], 16)


def text_keys(text_hashes: Collection[str]) -> str:
    """The texts' numbers as SQL's list, without its parentheses."""
    return ", ".join(str(text_key(text_hash)) for text_hash in text_hashes)


def _key(name: str) -> Any:
    return pa.field(name, pa.string(), nullable=False, metadata={"lance-schema:unenforced-primary-key": "true"})


def _body(chunk: Chunk) -> str:
    """``text`` as its length where ``indexed`` ends with it, as it nearly always does."""
    fields: Mapping[str, Any] = asdict(chunk)
    text: str | int = len(chunk.text) if chunk.indexed.endswith(chunk.text) else chunk.text
    return orjson.dumps({**fields, "text": text}).decode()

"""Puts a folder of documents into an index of the real store, by the real readers and splitter."""

from __future__ import annotations

from pathlib import Path

from gateway.retrieval import folder, lance
from gateway.retrieval.split import split
from gateway.retrieval.store import Store
from gateway.retrieval.types import Chunk, Embedder
from gateway.settings.schema import KnowledgeBase

MOST_BYTES = 1024 * 1024
BATCH = 256


async def built(documents: Path, store: Path, embedder: Embedder) -> Store:
    """The index of ``documents``, made anew in the folder ``store``, with its embeddings."""
    settings = KnowledgeBase(store=str(store))
    index = await lance.opened(settings)
    await index.replace(_chunks(documents, settings))
    while texts := await index.unembedded(embedder.name, embedder.dimension, BATCH):
        vectors = await embedder.embed([text.indexed for text in texts])
        await index.embed(embedder.name, embedder.dimension, dict(zip(texts, vectors, strict=True)))
    await index.activate(embedder.name, embedder.dimension)
    await index.index()
    return index


def _chunks(documents: Path, settings: KnowledgeBase) -> dict[str, list[Chunk]]:
    files = folder.files(documents, MOST_BYTES)
    return {file.key: split(folder.read(file, MOST_BYTES), settings.chunk_characters) for file in files}

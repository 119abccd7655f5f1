"""``python -m bench.retrieval.writer fill|write FOLDER [CHUNKS]``: fills a large index, or goes on writing to one.

Texts are sentences of the rules of ruff, mixed anew; vectors lie around those of real texts, as a text's do around its
topic's. What is written on is embedded for real, as by an ingest.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.retrieval.corpus import rules
from gateway.retrieval import lance
from gateway.retrieval.local_embedder import DIMENSION, NAME, LocalEmbedder
from gateway.retrieval.store import Store
from gateway.retrieval.types import Chunk
from gateway.settings.schema import KnowledgeBase

PER_DOCUMENT = 10
#: Documents of a commit; texts that get their vectors at once; real texts, at most, that the vectors lie around.
FILLED_AT_ONCE = 500
VECTORS_AT_ONCE = 5_000
TOPICS = 300
#: Of a vector's noise: its length, beside a topic's of 1.
NOISE = 0.6
WRITTEN_AT_ONCE = 16


class Texts:
    """Makes documents whose chunks read like the rules, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        found = [rule["explanation"] for rule in rules()]
        self._sentences = [text for one in found for text in re.split(r"(?<=[.!?])\s+|\n{2,}", one) if len(text) > 40]
        self._random = random.Random(seed)

    def text(self) -> str:
        """Some 900 characters."""
        text = ""
        while len(text) < 900:
            text += self._random.choice(self._sentences) + " "
        return text[:1_200]

    def documents(self, first: int, count: int) -> dict[str, list[Chunk]]:
        """Numbered from ``first``."""
        numbers = range(first, first + count)
        return {f"{number}.md": [self._chunk(number, part) for part in range(PER_DOCUMENT)] for number in numbers}

    def _chunk(self, number: int, part: int) -> Chunk:
        title, text = f"Document {number}", self.text()
        indexed = f"{title}\n{text}"
        text_hash = hashlib.sha256(indexed.encode()).hexdigest()
        return Chunk(
            id=hashlib.sha256(f"{number} {part} {text_hash}".encode()).hexdigest(),
            document=f"{number}.md",
            ordinal=part,
            title=title,
            heading="",
            text=text,
            indexed=indexed,
            source=f"{number}.md",
            document_type="markdown",
            category=f"category {number % 10}",
            content_hash=text_hash,
            text_hash=text_hash,
        )


async def fill(store: Store, chunks: int) -> None:
    """Documents first, then a vector for each chunk, then the indexes."""
    texts = Texts(1)
    documents = chunks // PER_DOCUMENT
    for first in range(0, documents, FILLED_AT_ONCE):
        await store.replace(texts.documents(first, min(FILLED_AT_ONCE, documents - first)))
    embedder = LocalEmbedder()
    count = max(20, min(TOPICS, chunks // 100))
    topics = np.array(await embedder.embed([texts.text()[:400] for _ in range(count)]))
    rng = np.random.default_rng(1)
    while missing := await store.unembedded(NAME, DIMENSION, VECTORS_AT_ONCE):
        vectors = _around(topics, len(missing), rng)
        await store.embed(NAME, DIMENSION, dict(zip(missing, vectors, strict=True)))
    await store.activate(NAME, DIMENSION)
    await store.index()


async def write(store: Store) -> None:
    """Replace documents and embed them, without an end."""
    texts, embedder, first = Texts(2), LocalEmbedder(), 0
    while True:
        documents: Mapping[str, Sequence[Chunk]] = texts.documents(first, WRITTEN_AT_ONCE)
        await store.replace(documents)
        while missing := await store.unembedded(NAME, DIMENSION, WRITTEN_AT_ONCE * PER_DOCUMENT):
            vectors = await embedder.embed([text.indexed for text in missing])
            await store.embed(NAME, DIMENSION, dict(zip(missing, vectors, strict=True)))
        await store.index()
        first += WRITTEN_AT_ONCE


def _around(topics: np.ndarray, count: int, rng: np.random.Generator) -> list[list[float]]:
    noise = rng.standard_normal((count, DIMENSION)) * (NOISE / DIMENSION**0.5)
    vectors = topics[rng.integers(len(topics), size=count)] + noise
    shares: list[list[float]] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).tolist()
    return shares


async def main(what: str, folder: str, chunks: int = 0) -> None:
    """``fill`` or ``write``."""
    store = await lance.opened(KnowledgeBase(store=str(Path(folder))))
    await (fill(store, chunks) if what == "fill" else write(store))
    await store.aclose()


if __name__ == "__main__":
    if sys.argv[1] == "write":
        os.nice(10)  # as an ingest does
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))

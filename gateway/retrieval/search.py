"""A question to the passages that answer it: by words and by meaning at once, scored, without repetitions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import NamedTuple

from gateway.contract.knowledge import Passage
from gateway.retrieval.repeated import Repetitions
from gateway.retrieval.score import USUAL_WEIGHT, scores
from gateway.retrieval.store import Searched, StoreError
from gateway.retrieval.types import Embedder, EmbedderError, Hit, Vector
from gateway.retrieval.words import Asked, asked

#: Chunks that each search brings at least, and how long the question's embedding may take, in seconds.
CANDIDATES = 30
PATIENCE = 1.0


class Found(NamedTuple):
    """``passages``, the best first; ``trouble`` says in words what was not to be had (the search went on without it),
    and is empty where nothing was wrong."""

    passages: list[Passage]
    trouble: str = ""


async def search(
    store: Searched,
    embedder: Embedder | None,
    query: str,
    *,
    limit: int,
    categories: Collection[str] = (),
    threshold: float = 0.5,
    dense_weight: float = USUAL_WEIGHT,
    patience: float = PATIENCE,
) -> Found:
    """Up to ``limit`` passages whose score reaches ``threshold``. Without an embedder, or where it fails or takes more
    than ``patience`` seconds, by text only; where one of the two searches fails, by the other.

    Raises StoreError where both fail.
    """
    question = asked(query)
    if not question.words:
        return Found([])
    most = max(CANDIDATES, 2 * limit)
    hits, trouble = await candidates(store, embedder, question, most=most, categories=categories, patience=patience)
    return Found(await asyncio.to_thread(_best, question, hits, dense_weight, threshold, limit), trouble)


async def candidates(
    store: Searched,
    embedder: Embedder | None,
    question: Asked,
    *,
    most: int = CANDIDATES,
    categories: Collection[str] = (),
    patience: float = PATIENCE,
) -> tuple[list[Hit], str]:
    """What both searches find, each chunk once, with its cosine where it has one; and what went wrong."""
    texts, meant = await asyncio.gather(
        _by_text(store, question.text, most, categories),
        _by_meaning(store, _embedded(embedder, question.text, patience), most, categories),
    )
    if isinstance(texts, StoreError):
        if not meant.hits:
            raise texts
        return meant.hits, f"by meaning only: {texts}"
    known, trouble = await _similarities(store, meant, texts)
    return _merged(texts, meant.hits, known), trouble


class _Meant(NamedTuple):
    """What the search by meaning found; ``vector`` is None where the question could not be embedded."""

    vector: Vector | None
    hits: list[Hit]
    trouble: str = ""


async def _by_text(store: Searched, text: str, most: int, categories: Collection[str]) -> list[Hit] | StoreError:
    try:
        return await store.by_text(text, most, categories)
    except StoreError as error:
        return error


async def _embedded(embedder: Embedder | None, text: str, patience: float) -> Vector | None:
    """Raises EmbedderError, also where it takes too long."""
    if embedder is None:
        return None
    try:
        async with asyncio.timeout(patience):
            (vector,) = await embedder.embed([text])
    except TimeoutError:
        raise EmbedderError(f"the question's embedding took over {patience:g} s") from None
    return vector


async def _by_meaning(
    store: Searched, embedded: Awaitable[Vector | None], most: int, categories: Collection[str]
) -> _Meant:
    try:
        vector = await embedded
        return _Meant(vector, await store.by_vector(vector, most, categories) if vector is not None else [])
    except (EmbedderError, StoreError) as error:
        return _Meant(None, [], f"by text only: {error}")


async def _similarities(store: Searched, meant: _Meant, texts: Sequence[Hit]) -> tuple[Mapping[str, float], str]:
    """The cosines of what only the text search found, by text_hash."""
    near = {hit.chunk.id for hit in meant.hits}
    missing = {hit.chunk.text_hash for hit in texts if hit.chunk.id not in near}
    if meant.vector is None or not missing:
        return {}, meant.trouble
    try:
        return await store.similarities(meant.vector, missing), meant.trouble
    except StoreError as error:
        return {}, f"by text only in part: {error}"


def _merged(texts: Sequence[Hit], meant: Sequence[Hit], known: Mapping[str, float]) -> list[Hit]:
    merged = {hit.chunk.id: hit for hit in meant}
    for hit in texts:
        same = merged.get(hit.chunk.id)
        similarity = same.similarity if same else known.get(hit.chunk.text_hash)
        merged[hit.chunk.id] = Hit(hit.chunk, similarity, hit.bm25)
    return list(merged.values())


def _best(question: Asked, hits: Sequence[Hit], dense_weight: float, threshold: float, limit: int) -> list[Passage]:
    """Takes milliseconds, so that it is done in a thread of its own."""
    rounded = [round(score, 4) for score in scores(question, hits, dense_weight)]
    ranked = sorted(zip(rounded, hits, strict=True), key=lambda pair: -pair[0])
    return _distinct([pair for pair in ranked if pair[0] >= threshold], limit)


def _distinct(ranked: Sequence[tuple[float, Hit]], limit: int) -> list[Passage]:
    repetitions = Repetitions()
    passages: list[Passage] = []
    for score, (chunk, _, _) in ranked:
        if len(passages) == limit:
            break
        if repetitions.take(chunk.text):
            shown = (chunk.title, chunk.text, chunk.source, chunk.document_type, chunk.category)
            passages.append(Passage(*shown, score))
    return passages

"""Which embeddings an index is made and asked with: a configured model's, this machine's, or none."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from gateway.retrieval import local_embedder
from gateway.retrieval.local_embedder import LocalEmbedder
from gateway.retrieval.types import EmbedderError, Vector

#: Texts of one request to a provider; each is cut to what every embedding model takes.
BATCH = 64
MOST_CHARACTERS = 8_000
TEXT_ONLY = "text only, no embeddings"


class Ask(Protocol):
    """Asks one configured model for embeddings, through the gateway's own upstream."""

    async def __call__(self, texts: Sequence[str], /) -> Sequence[Vector]:
        """One vector a text, in their order; whatever it raises is why the texts could not be embedded."""


#: The configured models that can embed, by ``model_name``, the preferred one first.
Models = Mapping[str, Ask]


class ModelEmbedder:
    """A configured model's embeddings. ``dimension`` is 0 until its first reply tells; ``learn`` asks for it."""

    def __init__(self, name: str, ask: Ask, dimension: int = 0) -> None:
        self.name = name
        self.dimension = dimension
        self._ask = ask

    def describe(self) -> str:
        """What it is, for health and summaries."""
        return f"{self.name}, {self.dimension or 'not yet known'} dimensions, by its provider"

    async def learn(self) -> None:
        """Find out the dimension, by embedding one word; raises EmbedderError."""
        if not self.dimension:
            await self.embed(["dimension"])

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector of length 1 a text; raises EmbedderError where the model can't be asked, or answers otherwise."""
        found: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            batch = [_sendable(text) for text in texts[start : start + BATCH]]
            found += [self._checked(vector) for vector in await self._asked(batch)]
        return found

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _asked(self, batch: list[str]) -> Sequence[Vector]:
        try:
            vectors = await self._ask(batch)
        except Exception as error:  # the upstream's errors are no concern of retrieval; all mean the same here
            raise EmbedderError(f"{self.name} could not embed ({type(error).__name__})") from error
        if len(vectors) != len(batch):
            raise EmbedderError(f"{self.name} answered {len(vectors)} vectors to {len(batch)} texts")
        return vectors

    def _checked(self, vector: Vector) -> Vector:
        length = math.hypot(*vector)
        if not math.isfinite(length) or length == 0:
            raise EmbedderError(f"{self.name} answered a vector without a direction")
        if self.dimension and len(vector) != self.dimension:
            raise EmbedderError(f"{self.name} answered {len(vector)} dimensions where it has {self.dimension}")
        self.dimension = len(vector)
        return [value / length for value in vector]


AnyEmbedder = LocalEmbedder | ModelEmbedder


def chosen(choice: str, models: Models) -> AnyEmbedder | None:
    """The embedder that the configuration asks for: ``auto`` (the first of ``models``, else the local one where it is
    installed, else None), ``local``, ``none``, or a model's name. Imports and asks nothing yet.

    Raises EmbedderError where it asks for what is not there.
    """
    if choice == "none":
        return None
    if choice == "auto":
        return _automatic(models)
    if choice == "local":
        return _local()
    if choice not in models:
        names = ", ".join(models) or "none is configured"
        raise EmbedderError(f"no model {choice!r} that can embed; those that can: {names}")
    return ModelEmbedder(choice, models[choice])


def matching(model: str, dimension: int, models: Models) -> AnyEmbedder | None:
    """The embedder whose vectors an index holds, by the name and dimension that stand in it; None where this process
    can't have it."""
    if model == local_embedder.NAME:
        same = dimension == local_embedder.DIMENSION and local_embedder.is_installed()
        return LocalEmbedder() if same else None
    return ModelEmbedder(model, models[model], dimension) if model in models else None


@asynccontextmanager
async def embedder_for(choice: str, models: Models) -> AsyncIterator[AnyEmbedder | None]:
    """``chosen``, with its dimension known, and closed afterwards; raises EmbedderError."""
    embedder = chosen(choice, models)
    try:
        if isinstance(embedder, ModelEmbedder):
            await embedder.learn()
        yield embedder
    finally:
        if embedder is not None:
            await embedder.aclose()


def describe(embedder: AnyEmbedder | None) -> str:
    """What it is; and where there is none, that too."""
    return TEXT_ONLY if embedder is None else embedder.describe()


def _automatic(models: Models) -> AnyEmbedder | None:
    for name, ask in models.items():
        return ModelEmbedder(name, ask)
    return LocalEmbedder() if local_embedder.is_installed() else None


def _local() -> LocalEmbedder:
    if not local_embedder.is_installed():
        raise EmbedderError(local_embedder.MISSING)
    return LocalEmbedder()


def _sendable(text: str) -> str:
    """Providers refuse an empty text, and JSON a lone surrogate."""
    return text[:MOST_CHARACTERS].encode("utf-8", "replace").decode().strip() or " - "

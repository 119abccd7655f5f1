"""An index in memory, for tests of what searches it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway.retrieval.store import StoreError
from gateway.retrieval.types import Chunk, EmbedderError, Hit, IndexState, Vector
from gateway.retrieval.words import flat


def chunk(text: str, *, title: str = "Title", category: str = "general", document: str = "") -> Chunk:
    key = document or f"{title}.md"
    indexed = f"{title}\n{text}"
    return Chunk(
        id=f"{key}/{text[:60]}",
        document=key,
        ordinal=0,
        title=title,
        heading="",
        text=text,
        indexed=indexed,
        source=key,
        document_type="markdown",
        category=category,
        content_hash="0",
        text_hash=indexed,
    )


class Words:
    """Embeds a text as which of ten words it has."""

    name = "words"
    dimension = 11
    WORDS = ("discount", "approval", "lead", "call", "renewal", "price", "import", "error", "delete", "calendar")

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.asked += texts
        if self.error:
            raise self.error
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> Vector:
        has = [float(f" {word}" in flat(text)) for word in self.WORDS] + [0.1]
        length = sum(value * value for value in has) ** 0.5
        return [value / length for value in has]


class InMemory:
    """Searches by counting common words, and by cosine. ``texts_fail`` and ``vectors_fail`` make one of them fail."""

    def __init__(self, chunks: Sequence[Chunk], *, texts_fail: bool = False, vectors_fail: bool = False) -> None:
        self.chunks = list(chunks)
        self.texts_fail, self.vectors_fail = texts_fail, vectors_fail
        self.limits: list[int] = []

    async def state(self) -> IndexState:
        return IndexState(len(self.chunks), len(self.chunks), len(self.chunks), None, None)

    async def by_text(self, query: str, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        if self.texts_fail:
            raise StoreError("the words can't be read")
        self.limits.append(limit)
        words = set(flat(query).split())
        common = {one.id: len(words & set(flat(one.indexed).split())) for one in self._of(categories)}
        found = [Hit(one, None, float(common[one.id])) for one in self._of(categories) if common[one.id]]
        return sorted(found, key=lambda hit: -(hit.bm25 or 0))[:limit]

    async def by_vector(self, vector: Vector, limit: int, categories: Collection[str] = ()) -> list[Hit]:
        if self.vectors_fail:
            raise StoreError("the vectors can't be read")
        found = [Hit(one, cosine(vector, Words().vector(one.indexed)), None) for one in self._of(categories)]
        return sorted(found, key=lambda hit: -(hit.similarity or 0))[:limit]

    async def similarities(self, vector: Vector, text_hashes: Collection[str]) -> Mapping[str, float]:
        if self.vectors_fail:
            raise StoreError("the vectors can't be read")
        return {text: cosine(vector, Words().vector(text)) for text in text_hashes}

    def _of(self, categories: Collection[str]) -> list[Chunk]:
        return [one for one in self.chunks if not categories or one.category in categories]


def cosine(left: Vector, right: Vector) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))


def failing() -> Words:
    return Words(EmbedderError("no answer"))

"""The knowledge base, as policies see it: passages of documents that answer a question, or none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Passage(NamedTuple):
    """A piece of a document. ``source`` is where the document came from, as it was ingested; ``score``, 0 to 1, is how
    likely the passage answers the question, and means the same for every question."""

    title: str
    text: str
    source: str
    document_type: str
    category: str
    score: float


class Knowledge(Protocol):
    """Finds passages, at a cost that never holds up the event loop."""

    @property
    def there(self) -> bool:
        """Whether there is an index at all; known without asking the store."""

    async def search(
        self, query: str, *, limit: int, categories: Collection[str] = (), threshold: float | None = None
    ) -> Sequence[Passage]:
        """Up to ``limit`` passages that clear ``threshold`` (the configured one if None), the best first, none a near
        repetition of another; of ``categories`` only, where any are given. Empty where nothing does.

        Raises Unavailable where the store can't be read.
        """


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller of ``/rag/query`` wants of the knowledge base: ``limit`` sources, 1 to 20; an object for an answer
    where ``json_mode``; passages of ``categories`` only, where any are named."""

    limit: int = 5
    json_mode: bool = False
    categories: frozenset[str] = frozenset()

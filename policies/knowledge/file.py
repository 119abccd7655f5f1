"""``config/knowledge.yaml``: when the knowledge base answers, and in which words it says that it can't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PrivateAttr, model_validator

from gateway.contract import Configured, MisplacedError
from policies.common.phrases import PhraseError, Phrases, Text, Vocabulary
from policies.knowledge.gap import GAP
from policies.knowledge.orders import Orders

Words = Annotated[str, Field(pattern=r"\S", max_length=500)]
GapWords = Annotated[str, Field(pattern=rf"^{GAP} *\S", max_length=500)]
Pattern = Annotated[str, Field(min_length=1, max_length=2000)]


class Gaps(Configured):
    """What is said where nothing was found, and where there is nothing to look in yet."""

    not_found: GapWords
    nothing_ingested: GapWords


class Quotes(Configured):
    """How passages are quoted where no model can put them into words: the ``heading``, then the best ``passages``, of
    each about ``characters``."""

    heading: Words
    passages: Annotated[int, Field(ge=1, le=10)] = 3
    characters: Annotated[int, Field(ge=50, le=5000)] = 500


class KnowledgeFile(Configured):
    """``prompt`` and ``schema_file`` are files of the configuration folder. ``assistant_from`` is the score from which
    a passage makes a question to the assistant one for the knowledge base; a phrase of ``asked`` does so too, and then
    the knowledge base's own threshold holds. ``seconds`` are the models' share of ``/rag/query``; after it the passages
    are quoted. ``orders`` are RE2 patterns of sentences that speak to the model."""

    prompt: str
    schema_file: str
    assistant_from: Annotated[float, Field(ge=0, le=1)] = 0.75
    asked: list[Text] = Field(default_factory=list)
    vocabulary: Vocabulary = Vocabulary()
    gaps: Gaps
    quotes: Quotes
    max_passage_characters: Annotated[int, Field(ge=100, le=50_000)] = 2000
    seconds: Annotated[float, Field(gt=0, le=120)] = 10
    orders: list[Pattern] = Field(default_factory=list)
    _asked: Phrases = PrivateAttr()
    _orders: Orders = PrivateAttr()

    @model_validator(mode="after")
    def _can_be_read(self) -> KnowledgeFile:
        try:
            self._asked = Phrases(self.vocabulary, self.asked)
        except PhraseError as error:
            raise error.placed(self) from None
        self._orders = _orders(self.orders)
        return self

    @property
    def asked_ready(self) -> Phrases:
        """What asks for the knowledge base, ready to be found."""
        return self._asked

    @property
    def orders_ready(self) -> Orders:
        """What speaks to the model, ready to be left out."""
        return self._orders


def _orders(patterns: Sequence[str]) -> Orders:
    for place, pattern in enumerate(patterns):
        try:
            Orders([pattern])
        except ValueError as error:
            raise MisplacedError(str(error), ("orders", place)) from None
    return Orders(patterns)

"""Declines questions about a person's private life with a fixed, courteous text, before any provider is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from gateway.contract import Call, Configured, Policy, Services
from policies.common.phrases import PhraseError, Phrases, Text, Vocabulary
from policies.common.words import tokenise

Refusal = Annotated[str, Field(pattern=r"\S", max_length=2000)]


class Topic(Configured):
    """What asks about a topic. A phrase of ``unless`` voids those that it shares a word with: "account health" says
    nothing of a person's health, and still leaves the rest of the question to be looked at."""

    phrases: Annotated[list[Text], Field(min_length=1)]
    unless: list[Text] = Field(default_factory=list)
    refusal: Refusal | None = None


class PrivateTopicsFile(Configured):
    """``config/private_topics.yaml``. ``refusal`` is the whole answer, where a topic has none of its own.

    A question stands at the beginning or the end of what is sent: of a longer text the first and the last
    ``max_characters`` are looked at.
    """

    refusal: Refusal
    max_characters: Annotated[int, Field(ge=1, le=20_000)] = 1000
    vocabulary: Vocabulary = Vocabulary()
    topics: Annotated[dict[str, Topic], Field(min_length=1)]
    _ready: Phrases = PrivateAttr()

    @model_validator(mode="after")
    def _can_be_read(self) -> PrivateTopicsFile:
        try:
            self._ready = _phrases(self)
        except PhraseError as error:
            raise error.placed(self) from None
        return self

    @property
    def ready(self) -> Phrases:
        """All phrases, ready to be found; to make them shows whether they can be read."""
        return self._ready


class PrivateTopicsOptions(Configured):
    """``file`` is a file of the configuration folder."""

    file: str = "private_topics.yaml"


class PrivateTopics(Policy):
    """Request: a question on a private topic is answered here. A caller's own messages pass untouched."""

    Options: ClassVar[type[BaseModel]] = PrivateTopicsOptions

    def __init__(self, options: PrivateTopicsOptions, services: Services) -> None:
        file = services.files.yaml(options.file, PrivateTopicsFile)
        self._longest = file.max_characters
        self._phrases = file.ready
        self._refusals = {name: topic.refusal or file.refusal for name, topic in file.topics.items()}
        self._meanings = [(name, asks) for name, asks, _ in _listed(file)]

    async def request(self, call: Call) -> Call:
        """With the refusal as the answer, where the question is on a private topic."""
        topic = None if call.question is None else self.topic(call.question.query)
        return call if topic is None else replace(call, answer=self._refusals[topic])

    def topic(self, query: str) -> str | None:
        """The first private topic, as the file lists them, that a query asks about; None where there is none."""
        if len(query) > 2 * self._longest:
            query = f"{query[: self._longest]}\n{query[-self._longest :]}"
        matches = [(*self._meanings[match.phrase], match) for match in self._phrases.find(tokenise(query))]
        void = {(name, at) for name, asks, match in matches if not asks for at in range(match.start, match.end)}
        asked = {
            name
            for name, asks, match in matches
            if asks and not match.denied and void.isdisjoint((name, at) for at in range(match.start, match.end))
        }
        return next((name for name in self._refusals if name in asked), None)


def _listed(file: PrivateTopicsFile) -> list[tuple[str, bool, str]]:
    """Each phrase with its topic, and whether it asks about it."""
    return [
        (name, asks, text)
        for name, topic in file.topics.items()
        for asks, texts in ((True, topic.phrases), (False, topic.unless))
        for text in texts
    ]


def _phrases(file: PrivateTopicsFile) -> Phrases:
    return Phrases(file.vocabulary, [text for *_, text in _listed(file)])

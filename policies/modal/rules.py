"""Decides from a query and its context whether the reply is a modal, by the rules of ``config/rules.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PrivateAttr, model_validator

from gateway.contract import Configured
from policies.common.phrases import Match, PhraseError, Phrases, Text, Vocabulary
from policies.common.words import ENDS, tokenise

Mode = Literal["modal", "maybe", "conversational"]
Certainty = Literal["certain", "likely", "none"]
Share = Annotated[float, Field(ge=0, le=1)]
Signals = Annotated[list[Text], Field(min_length=1)]


class Rule(Configured):
    """The phrases that ask for a modal. ``unless``: a query that holds one of these is not for this rule."""

    modal: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    certain: list[Text] = Field(default_factory=list)
    likely: list[Text] = Field(default_factory=list)
    unless: list[Text] = Field(default_factory=list)
    signals: Signals | None = None

    @model_validator(mode="after")
    def _can_match(self) -> Rule:
        if not (self.certain or self.likely):
            raise ValueError(f"the rule for {self.modal!r} has neither 'certain' nor 'likely' phrases")
        return self


class Confidence(Configured):
    """How sure a decision is, 0 to 1, as the legacy v1 reply shows it."""

    certain: Share = 0.95
    likely: Share = 0.7
    none: Share = 0.5


class RulesFile(Configured):
    """``config/rules.yaml``. ``signals`` are dotted paths into the context; ``unless`` holds for every rule.

    A query of more than ``max_words`` words, or ``max_characters``, is a text to talk about and no command.
    """

    max_words: Annotated[int, Field(ge=1, le=1000)] = 60
    max_characters: Annotated[int, Field(ge=1, le=20_000)] = 1000
    confidence: Confidence = Confidence()
    signals: Signals
    vocabulary: Vocabulary = Vocabulary()
    unless: list[Text] = Field(default_factory=list)
    rules: Annotated[list[Rule], Field(min_length=1)]
    _ready: Rules = PrivateAttr()

    @model_validator(mode="after")
    def _can_be_read(self) -> RulesFile:
        try:
            self._ready = Rules(self)
        except PhraseError as error:
            raise error.placed(self) from None
        return self

    @property
    def ready(self) -> Rules:
        """The rules, ready to decide; to make them takes a while, and shows whether they can be read."""
        return self._ready


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reply is to be. ``modal`` is the type of a modal or a likely one; ``intent`` is what the query asks for,
    whether or not a modal may come of it."""

    mode: Mode
    modal: str | None = None
    intent: str | None = None
    certainty: Certainty = "none"


class _Meaning(NamedTuple):
    """What a phrase says: for which rule, by its place, and how. ``unless`` without a rule is for all of them."""

    rule: int | None
    kind: Literal["certain", "likely", "unless"]


CONVERSATIONAL = Decision("conversational")


class Rules:
    """The rules, ready to decide. Raises ValueError, naming the phrase, for one that can't be matched."""

    def __init__(self, file: RulesFile) -> None:
        self._most_words = file.max_words
        self._most_characters = file.max_characters
        self._confidence: dict[Certainty, float] = {
            "certain": file.confidence.certain,
            "likely": file.confidence.likely,
            "none": file.confidence.none,
        }
        self._modals = [rule.modal for rule in file.rules]
        self._signals = [_paths(file.signals if rule.signals is None else rule.signals) for rule in file.rules]
        listed = list(_listed(file))
        self._meanings = [meaning for meaning, _ in listed]
        self._phrases = Phrases(file.vocabulary, [text for _, text in listed])
        self._refuse_twins([text for _, text in listed])

    def decide(self, query: str, context: Mapping[str, Any], takes_modals: bool) -> Decision:
        """The decision for a query; at a bounded cost, whatever is asked and whatever the context holds."""
        found = self._intent(query)
        if found is None:
            return CONVERSATIONAL
        rule, certainty = found
        intent = self._modals[rule]
        if not takes_modals or not any(_stands(context, path) for path in self._signals[rule]):
            return Decision("conversational", None, intent, certainty)
        return Decision("modal" if certainty == "certain" else "maybe", intent, intent, certainty)

    def confidence(self, decision: Decision) -> float:
        """How sure a decision is, 0 to 1."""
        return self._confidence[decision.certainty]

    def _intent(self, query: str) -> tuple[int, Literal["certain", "likely"]] | None:
        """The rule that a query speaks to: the surest, then the one of more words, then the first."""
        text = query.strip()
        if not text or len(text) > self._most_characters:
            return None
        tokens = tokenise(text)
        if len(tokens) > self._most_words and sum(token not in ENDS for token in tokens) > self._most_words:
            return None
        matches = self._phrases.find(tokens)
        dropped = {self._meanings[match.phrase].rule for match in matches if self._kind(match) == "unless"}
        if None in dropped:
            return None
        wanted = [
            (self._kind(match) != "certain", -match.words, rule)
            for match in matches
            if not match.denied and (rule := self._meanings[match.phrase].rule) not in dropped and rule is not None
        ]
        if not wanted:
            return None
        unsure, _, chosen = min(wanted)
        return chosen, "likely" if unsure else "certain"

    def _kind(self, match: Match) -> str:
        return self._meanings[match.phrase].kind

    def _refuse_twins(self, texts: Sequence[str]) -> None:
        """No query may be certain for two rules by the same words."""
        for places in self._phrases.same:
            sure = {self._meanings[at].rule: texts[at] for at in places if self._meanings[at].kind == "certain"}
            if len(sure) > 1:
                said = " and ".join(
                    f"{text!r} of rule {rule} ({self._modals[rule or 0]})" for rule, text in sure.items()
                )
                message = f"the certain phrases {said} say the same; keep one (rules are counted from 0)"
                raise PhraseError(message, list(sure.values())[-1])


def _listed(file: RulesFile) -> Iterator[tuple[_Meaning, str]]:
    for text in file.unless:
        yield _Meaning(None, "unless"), text
    for place, rule in enumerate(file.rules):
        for text in rule.certain:
            yield _Meaning(place, "certain"), text
        for text in rule.likely:
            yield _Meaning(place, "likely"), text
        for text in rule.unless:
            yield _Meaning(place, "unless"), text


def _paths(signals: Sequence[str]) -> list[tuple[str, ...]]:
    paths = [tuple(signal.split(".")) for signal in signals]
    for signal, path in zip(signals, paths, strict=True):
        if not all(path):
            raise PhraseError(f"the signal {signal!r} is not a dotted path such as 'lead.leadScore'", signal)
    return paths


def _stands(context: object, path: Sequence[str]) -> bool:
    """Whether the context says something at ``path``: 0 does; None, False, blank text and empty things do not."""
    value = context
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, (Mapping, Sequence)):
        return len(value) > 0
    return value is not None and value is not False

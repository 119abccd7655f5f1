"""What a policy is built with, for tests that try it alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.contract import (
    Call,
    Found,
    Kept,
    Owner,
    Passage,
    Question,
    Recalled,
    Services,
    Surface,
    Turn,
    Unavailable,
    Usage,
)
from gateway.settings.load import PROJECT, ConfigFiles, Shape
from gateway.settings.source import Document, validate
from tests.support.fakes import make_call


class Overlay(ConfigFiles):
    """The shipped ``config/``, with some files replaced by these texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(PROJECT / "config")
        object.__setattr__(self, "texts", dict(texts))

    def text(self, name: str) -> str:
        texts: dict[str, str] = object.__getattribute__(self, "texts")
        return texts[name] if name in texts else super().text(name)

    def yaml(self, name: str, shape: type[Shape]) -> Shape:
        return validate(Document(Path(name), self.text(name)), shape)


class FakeModel:
    """Answers with the texts in turn, the last one again and again; keeps what it was asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    async def ask(self, call: Call) -> str:
        self.calls.append(call)
        if not self.answers:
            raise Unavailable("no model")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeMemory:
    """A memory without bounds."""

    def __init__(self) -> None:
        self.turns: dict[tuple[Owner, str], list[Turn]] = {}
        self.marks = 0
        self.forgotten: dict[Owner, int] = {}

    async def recall(self, owner: Owner, conversation: str) -> Recalled:
        self.marks += 1
        return Recalled(tuple(self.turns.get((owner, conversation), ())), self.marks)

    async def remember(self, owner: Owner, conversation: str, turn: Turn, mark: int) -> None:
        if self.forgotten.get(owner, 0) < mark:
            self.turns.setdefault((owner, conversation), []).append(turn)

    async def forget(self, owner: Owner) -> int:
        self.marks += 1
        self.forgotten[owner] = self.marks
        gone = [key for key in self.turns if key[0] == owner]
        for key in gone:
            del self.turns[key]
        return len(gone)

    async def kept(self, owner: Owner) -> Sequence[Kept]:
        return [Kept(key[1], tuple(turns), 0.0) for key, turns in self.turns.items() if key[0] == owner]

    def usage(self) -> Usage:
        return Usage(0, len(self.turns), 0)


@dataclass
class FakePersonal:
    """Finds the given words, each of a kind."""

    words: Mapping[str, str] = field(default_factory=dict)

    def find(self, text: str) -> list[Found]:
        found = []
        for word, kind in self.words.items():
            start = text.find(word)
            while start >= 0:
                found.append(Found(start, start + len(word), kind))
                start = text.find(word, start + len(word))
        return sorted(found)

    def kinds(self) -> list[str]:
        return sorted(set(self.words.values()))


@dataclass
class FakeKnowledge:
    """Holds these passages and finds those that clear the threshold, of the categories; keeps what it was asked."""

    passages: Sequence[Passage] = ()
    there: bool = True
    fails: Exception | None = None
    threshold: float = 0.5
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def search(
        self, query: str, *, limit: int, categories: Collection[str] = (), threshold: float | None = None
    ) -> Sequence[Passage]:
        self.asked.append({"query": query, "limit": limit, "categories": set(categories), "threshold": threshold})
        if self.fails:
            raise self.fails
        least = self.threshold if threshold is None else threshold
        kept = [one for one in self.passages if one.score >= least and (not categories or one.category in categories)]
        return kept[:limit]


def services(
    files: Mapping[str, str] | None = None,
    model: Any = None,
    memory: Any = None,
    personal: Any = None,
    knowledge: Any = None,
    *,
    local: bool = False,
) -> Services:
    """What the engine hands out, with stand-ins for all but the configuration."""
    made = (model or FakeModel(), memory or FakeMemory(), personal or FakePersonal())
    return Services(Overlay(files or {}), *made, knowledge, local)


def asked(query: str = "Who is she?", *, stream: bool = False, ui: set[str] | None = None, **context: Any) -> Call:
    """A question to the assistant, as its route parses it."""
    capabilities = None if ui is None else frozenset(ui)
    return make_call(
        surface=Surface.IVY,
        params={"messages": [{"role": "user", "content": query}]},
        question=Question(query, context, capabilities),
        stream=stream,
    )

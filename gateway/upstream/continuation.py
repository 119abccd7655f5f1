"""Asks for the rest of an answer that broke off, and joins it to what its reader already has.

A model that goes on with its own beginning (``Deployment.prefills``) is given it as such; any other one is asked to
continue, beginning with the last words, so that the seam is found. One that takes the beginning ill is asked anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.contract import NOTHING, Call, Chunk, Operation, nothing
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.preface import Preface
from gateway.upstream.seam import Diverged, Seam

#: A text longer than this is not sent once more to have it continued.
MOST_CHARACTERS = 100_000
CHARACTERS_PER_TOKEN = 4
LAST_WORDS = 6
LIMITS = ("max_tokens", "max_completion_tokens")
#: What of a delta nobody can go on with who did not begin it.
HARMFUL = ("tool_calls", "function_call", "refusal", "audio")
#: What a text ends with that may be whole, within whatever closes a quotation, a bracket or an emphasis.
ENDS = tuple(".!?\u2026\u3002\uff01\uff1f")
CLOSES = ")]}\"'`*_\u201d\u2019\u00bb\u300d \t\r\n"
INSTRUCTION = (
    "Your answer above was cut off by a technical fault. Continue it from exactly where it stops, as one text: no "
    "greeting, no remark, no apology, and nothing of it again but its last words. Begin with these last words, letter "
    "for letter, and go on from there: {tail}\nIf nothing is missing after them, reply with these words only."
)


@dataclass(slots=True)
class Said:
    """What the reader of a stream has been given so far."""

    texts: list[str] = field(default_factory=list)
    only_text: bool = True
    head: Mapping[str, Any] = field(default_factory=nothing)

    def note(self, chunk: Chunk) -> None:
        """Take in a chunk that is given on."""
        if not self.head:
            self.head = {key: chunk.data[key] for key in ("id", "created") if key in chunk.data}
        for choice in chunk.data.get("choices") or ():
            delta = choice.get("delta") or NOTHING
            if choice.get("index", 0) or choice.get("logprobs") or any(map(delta.get, HARMFUL)):
                self.only_text = False
            content = delta.get("content")
            if content:
                self.texts.append(content)

    @property
    def text(self) -> str:
        """All of the text."""
        return "".join(self.texts)

    @property
    def splits_words(self) -> bool:
        """Whether its pieces often end within words, so that the last one may have too. Models' tokens do so less often
        than every third time."""
        seams = [(a[-1], b[0]) for a, b in zip(self.texts, self.texts[1:], strict=False)]
        return sum(a.isalpha() and b.isalpha() for a, b in seams) * 3 > len(seams)


def continuable(call: Call, said: Said) -> bool:
    """Whether another model may go on with it. Half a tool call, a JSON text, or one of several choices can't be
    continued by anyone who did not begin it."""
    structured = (call.params.get("response_format") or {}).get("type", "text") != "text"
    one = (call.params.get("n") or 1) == 1
    short = sum(map(len, said.texts)) <= MOST_CHARACTERS
    return call.operation is Operation.CHAT and said.only_text and one and short and not structured


@dataclass(slots=True)
class Rest:
    """The rest of an answer that ``broke`` so (``hunt.Wanted``)."""

    of: Call
    said: Said
    broke: Kind = Kind.CUT
    _refused: set[str] = field(default_factory=set)

    @property
    def beginning(self) -> str:
        """What is to be continued; a caller can have begun the answer itself."""
        last = self.of.params["messages"][-1]
        own = last.get("content") if last.get("role") == "assistant" else None
        return (own if isinstance(own, str) else "") + self.said.text

    @property
    def tail(self) -> str:
        """The last words of it."""
        return " ".join(self.beginning.split()[-LAST_WORDS:])

    def may_be_empty(self, deployment: Deployment) -> bool:
        """Where all but the finish reason may have come, nothing more need be said."""
        del deployment
        return self.broke is Kind.UNFINISHED or self.said.text.rstrip(CLOSES).endswith(ENDS)

    def call(self, deployment: Deployment) -> Call:
        """The conversation with the answer's beginning; an instruction unless the model goes on by itself."""
        beginning, messages = self.beginning, list(self.of.params["messages"])
        if len(beginning) > len(self.said.text):
            messages.pop()
        prefilled = self.prefills(deployment)
        # Some providers refuse a beginning that ends in white space; to go on by instruction it is better told exactly.
        messages.append({"role": "assistant", "content": beginning.rstrip() if prefilled else beginning})
        if not prefilled:
            messages.append({"role": "user", "content": INSTRUCTION.format(tail=self.tail)})
        limits = self._limits(room=0 if prefilled else len(self.tail))
        return replace(self.of, params={**self.of.params, "messages": messages, **limits})

    def prefills(self, deployment: Deployment) -> bool:
        """Whether this deployment is given the beginning as its own."""
        return deployment.prefills and deployment.id not in self._refused

    def asked_anew(self, deployment: Deployment, failure: Failure) -> bool:
        """A model that refuses a beginning is asked with an instruction."""
        if failure.kind is not Kind.REJECTED or not self.prefills(deployment):
            return False
        self._refused.add(deployment.id)
        return True

    def settles(self, failure: Failure) -> bool:
        """That a model can't take the beginning is no answer to the caller, so that the next is asked; that its
        provider's policy refuses it is one."""
        return failure.kind in (Kind.REFUSED, Kind.BUSY, Kind.DEADLINE)

    def _limits(self, room: int) -> dict[str, int]:
        """The caller's limits less what was said (a token a piece, where pieces are tokens, or some four characters),
        and what repeating ``room`` characters takes."""
        used = max(len(self.said.texts), math.ceil(sum(map(len, self.said.texts)) / CHARACTERS_PER_TOKEN))
        limits = {name: self.of.params[name] for name in LIMITS if self.of.params.get(name)}
        return {name: max(1, limit - used) + math.ceil(room / 2) for name, limit in limits.items()}


class Joined:
    """Turns the chunks of a continuation into further chunks of the answer it continues. ``sent`` is the text that is
    continued; ``tail`` the words it was to begin with, where it was asked to begin with some."""

    def __init__(self, said: Said, sent: str = "", *, tail: str = "", prefilled: bool = False) -> None:
        self._seam = Seam(sent, prefilled=prefilled, splits_words=said.splits_words)
        self._preface = Preface(tail)
        self._head = said.head

    @classmethod
    def of(cls, rest: Rest, deployment: Deployment) -> Joined:
        """For what this deployment says of the rest."""
        prefilled = rest.prefills(deployment)
        return cls(rest.said, rest.beginning, tail="" if prefilled else rest.tail, prefilled=prefilled)

    def take(self, chunk: Chunk) -> Iterator[Chunk]:
        """What is to be given on of ``chunk`` and of what was held back; raises Failure where it doesn't fit."""
        data = {**chunk.data, **self._head}
        choices = [self._choice(choice) for choice in chunk.data.get("choices") or ()]
        data["choices"] = [choice for choice in choices if choice["delta"] or choice.get("finish_reason")]
        if data["choices"] or data.get("usage"):
            yield Chunk(data, chunk.notes)

    def _choice(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        delta = {key: value for key, value in (choice.get("delta") or {}).items() if key != "role" and value}
        finish = choice.get("finish_reason")
        if finish == "content_filter" or "refusal" in delta:
            raise Failure(Kind.REFUSED, "The provider refused to continue the answer.")
        text = self._preface.add(delta.pop("content", ""))
        try:
            text = self._seam.add(text)
            if finish or delta:  # nothing comes after a finish, and text stands before anything else
                text += self._seam.add(self._preface.end(cut=finish == "length"))
                text += self._seam.end()
        except Diverged as error:
            raise Failure(Kind.DIVERGED, "asked to continue an answer, it began another") from error
        return {**choice, "delta": {**({"content": text} if text else {}), **delta}}

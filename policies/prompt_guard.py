"""Keeps the assistant's own instructions to itself: an answer that recites them ends with a fixed sentence."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, Field

from gateway.contract import Call, Chunk, Configured, Policy, Services
from policies.common.words import MARKS, SPACELESS

NAME = "prompt_guard"
#: Marks and what is not seen change no word: with them gone, the start of a word is the start of what it is folded to.
UNHEARD = re.compile(f"[{MARKS}\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")
WORD = re.compile(f"[{SPACELESS}][{MARKS}]*|(?:[^\\W_{SPACELESS}]|{UNHEARD.pattern})+")
ONE_LETTER = re.compile(f"[{SPACELESS}]")
#: Characters as they come; a longer word is no prompt's, and it must not be read again with every chunk.
LONGEST_WORD = 200
#: Prompts, each of which counts twice.
CACHED = 16


class PromptGuardOptions(Configured):
    """``words`` of a system message in a row are a recital; ``answer`` is said in the place of it and of the rest."""

    words: Annotated[int, Field(ge=4, le=30)] = 8
    answer: Annotated[str, Field(min_length=1, pattern=r"\S")]


class PromptGuard(Policy):
    """Request, of questions only: notes the system messages as they are here; what policies after this one add to
    them, such as examples of the tone, an answer may repeat.
    Response: no row of their words gets out, however it is set or spelt."""

    Options: ClassVar[type[BaseModel]] = PromptGuardOptions
    after: ClassVar[tuple[str, ...]] = ("prompt", "modal")

    def __init__(self, options: PromptGuardOptions, services: Services) -> None:
        del services
        self._size = options.words
        self._answer = options.answer

    async def request(self, call: Call) -> Call:
        """The same call, and what is to be guarded learnt."""
        if call.question is None:
            return call
        return replace(call, learnt={**call.learnt, NAME: tuple(_instructions(call.params))})

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks, their text held back as far as it may be the beginning of a recital."""
        kept = ((text, plain) for text in call.learnt.get(NAME, ()) for plain in (False, True))
        prompts = [_prompt(text, self._size, plain=plain) for text, plain in kept]
        watches = [Watch(prompt, self._size) for prompt in prompts if prompt.pieces]
        return self._guarded(chunks, Gate(watches)) if watches else chunks

    async def _guarded(self, chunks: AsyncIterator[Chunk], gate: Gate) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            text = gate.hear(chunk.text, last=chunk.finish is not None)
            if gate.recital:
                yield self._ended(chunk, text, gate)
                await _close(chunks)
                return
            yield chunk if text == chunk.text else _saying(chunk, text)
        text = gate.hear("", last=True)
        if gate.recital:
            yield self._ended(Chunk.saying(" "), text, gate)
        elif text:
            yield Chunk.saying(text)

    def _ended(self, chunk: Chunk, text: str, gate: Gate) -> Chunk:
        """The last chunk: what could still be given out, and the configured answer."""
        text = text.rstrip() if gate.spoke else ""
        return _saying(chunk, f"{text}\n\n{self._answer}" if gate.spoke else self._answer, finish="stop")


class Prompt(NamedTuple):
    """A system message: every row of words that begins a whole one, and the beginnings of its words.

    Of a ``plain`` one, figures and single letters are left out, as they are of an answer that numbers the lines.
    """

    pieces: frozenset[tuple[str, ...]]
    beginnings: frozenset[str]
    plain: bool


class Watch:
    """Follows an answer word by word along one prompt."""

    def __init__(self, prompt: Prompt, size: int) -> None:
        self._prompt = prompt
        self._size = size
        self._row: deque[str] = deque()
        self._starts: deque[int] = deque()

    def hear(self, word: str, start: int) -> int | None:
        """Where a recital began that is complete with this word."""
        if self._prompt.plain and _slight(word):
            return None
        self._row.append(word)
        self._starts.append(start)
        while self._row and tuple(self._row) not in self._prompt.pieces:
            self._row.popleft()
            self._starts.popleft()
        return self._starts[0] if len(self._row) == self._size else None

    def held_from(self, begun: str | None, start: int, end: int) -> int:
        """From where on the text up to ``end`` may belong to a recital. ``begun`` is a word, as far as it has come,
        that stands at ``start``; None where no word is under way."""
        if begun is None:
            return self._starts[0] if self._starts else end
        if not begun or begun in self._prompt.beginnings:
            return self._starts[0] if self._starts else start
        skipped = self._prompt.plain and _slight(begun)
        return self._starts[0] if self._starts and skipped else end


class Gate:
    """Hears an answer's text as it comes, and gives on what can't belong to a recital.

    ``recital`` says that there was one, ``spoke`` that words were given on.
    """

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches
        self._word = ""
        self._heard = self._given = 0
        self._held: list[str] = []
        self.recital = self.spoke = False

    def hear(self, text: str, *, last: bool = False) -> str:
        """What can be given on; with the ``last`` text all, up to a recital."""
        self._held.append(text)
        found = self._follow(text, last=last)
        self.recital = found is not None
        upto = self._heard if last else self._held_from()
        return self._give(upto if found is None else found)

    def _follow(self, text: str, *, last: bool) -> int | None:
        """Hear the words that are whole, and where a recital began."""
        scanned = self._word + text
        before = self._heard - len(self._word)
        self._heard += len(text)
        self._word = ""
        for match in WORD.finditer(scanned):
            if match.end() == len(scanned) and not last and not ONE_LETTER.match(match[0]):
                self._word = match[0] if len(match[0]) <= LONGEST_WORD else "x" * LONGEST_WORD
                break
            word = folded(match[0])
            starts = [watch.hear(word, before + match.start()) for watch in self._watches if word]
            if any(start is not None for start in starts):
                return min(start for start in starts if start is not None)
        return None

    def _held_from(self) -> int:
        begun = folded(self._word) if self._word else None
        start = self._heard - len(self._word)
        return min(watch.held_from(begun, start, self._heard) for watch in self._watches)

    def _give(self, upto: int) -> str:
        if upto <= self._given:
            return ""
        text = "".join(self._held)
        given, left = text[: upto - self._given], text[upto - self._given :]
        self._held, self._given = [left], upto
        self.spoke = self.spoke or WORD.search(given) is not None
        return given


def folded(word: str) -> str:
    """A word as it is compared: case, width and marks are gone. Of two strings together it is both's together."""
    if word.isascii():
        return word.lower()
    bare = unicodedata.normalize("NFKD", UNHEARD.sub("", word)).casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", bare)))


def _slight(word: str) -> bool:
    """What may number a line: a figure, a letter."""
    return word.isdecimal() or (len(word) == 1 and word.isascii())


@lru_cache(maxsize=CACHED)
def _prompt(text: str, size: int, *, plain: bool) -> Prompt:
    words = [word for word in map(folded, WORD.findall(text)) if word and not (plain and _slight(word))]
    starts = range(len(words) - size + 1)
    pieces = frozenset(tuple(words[at : at + length]) for at in starts for length in range(1, size + 1))
    distinct = {word for piece in pieces for word in piece[-1:]}
    beginnings = frozenset(word[:end] for word in distinct for end in range(1, len(word) + 1))
    return Prompt(pieces, beginnings, plain)


def _instructions(params: Mapping[str, Any]) -> Iterator[str]:
    """The texts of the messages that tell the model what it is."""
    for message in params.get("messages") or ():
        if message.get("role") in ("system", "developer"):
            content = message.get("content") or ""
            parts = content if isinstance(content, list) else [{"text": content}]
            yield "\n".join(part.get("text") or "" for part in parts)


def _saying(chunk: Chunk, text: str, *, finish: str | None = None) -> Chunk:
    """``chunk`` with another text for its first choice and, with ``finish``, as the end of it."""
    choices = []
    for choice in chunk.data.get("choices") or ():
        if choice.get("index", 0) == 0:
            said = {**choice, "delta": {**(choice.get("delta") or {}), "content": text}}
            choices.append({**said, "finish_reason": finish or choice.get("finish_reason")})
        else:
            choices.append(choice)
    return Chunk({**chunk.data, "choices": choices}, chunk.notes)


async def _close(chunks: AsyncIterator[Chunk]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()

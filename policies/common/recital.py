"""Hears a system message being recited in a text that comes piece by piece, however it is set or spelt."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from policies.common.words import MARKS, SPACELESS

#: So many words of a system message in a row are a recital.
WORDS = 8
#: Marks and what is not seen change no word: with them gone, the start of a word is the start of what it is folded to.
UNHEARD = re.compile(f"[{MARKS}\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")
WORD = re.compile(f"[{SPACELESS}][{MARKS}]*|(?:[^\\W_{SPACELESS}]|{UNHEARD.pattern})+")
#: HTML's tags and entities are between words, not words; the second is the beginning of one.
MARKUP = r"</?[A-Za-z]{1,10} ?/?>|&(?:[A-Za-z]{2,8}|#[0-9A-Za-z]{1,8});"
BEGUN = re.compile(r"(?:</?[A-Za-z]{0,10} ?/?|&(?:[A-Za-z]{0,8}|#[0-9A-Za-z]{0,8}))\Z")
LONGEST_BEGUN = 16
PLAIN_WORD = re.compile("[a-z0-9]+")
PART = re.compile(f"(?P<markup>{MARKUP})|(?P<word>{WORD.pattern})")
ONE_LETTER = re.compile(f"[{SPACELESS}]")
#: Characters as they come; a longer word is no prompt's, and it must not be read again with every chunk.
LONGEST_WORD = 200
#: Prompts, each of which counts twice.
CACHED = 16


class Prompt(NamedTuple):
    """A system message: every row of words that begins a whole one, the rows' first words, all words' beginnings.

    Of a ``plain`` one, figures and single letters are left out, as they are of an answer that numbers the lines.
    """

    pieces: frozenset[tuple[str, ...]]
    firsts: frozenset[str]
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

    def find(self, words: Sequence[str]) -> int | None:
        """Which of all ``words`` is the first of a recital."""
        places = [at for at, word in enumerate(words) if not (self._prompt.plain and _slight(word))]
        kept = [words[at] for at in places] if self._prompt.plain else words
        for at in range(len(kept) - self._size + 1):
            if kept[at] in self._prompt.firsts and tuple(kept[at : at + self._size]) in self._prompt.pieces:
                return places[at]
        return None

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
        found = self._find(text) if last and not self._heard else self._follow(text, last=last)
        self.recital = found is not None
        upto = self._heard if last else self._held_from()
        return self._give(upto if found is None else found)

    def _find(self, text: str) -> int | None:
        """Where a recital begins in a text that is heard as a whole, which need not be followed word by word."""
        self._heard = len(text)
        if text.isascii() and "<" not in text and "&" not in text:  # its words stand as they are compared, in any case
            words = PLAIN_WORD.findall(text.lower())
            if all(watch.find(words) is None for watch in self._watches):
                return None
        heard = [(folded(match["word"]), match.start()) for match in PART.finditer(text) if match["word"]]
        heard = [(word, start) for word, start in heard if word]
        words = [word for word, _ in heard]
        found = [at for watch in self._watches if (at := watch.find(words)) is not None]
        return heard[min(found)][1] if found else None

    def _follow(self, text: str, *, last: bool) -> int | None:
        """Hear the words that are whole, and where a recital began."""
        scanned = self._word + text
        before = self._heard - len(self._word)
        self._heard += len(text)
        begun = None if last else BEGUN.search(scanned, max(0, len(scanned) - LONGEST_BEGUN))
        self._word = begun[0] if begun else ""
        for match in PART.finditer(scanned, 0, begun.start() if begun else len(scanned)):
            if match.end() == len(scanned) and not last and _goes_on(match):
                self._word = match[0] if len(match[0]) <= LONGEST_WORD else "x" * LONGEST_WORD
                break
            word = folded(match["word"] or "")
            starts = [watch.hear(word, before + match.start()) for watch in self._watches if word]
            if any(start is not None for start in starts):
                return min(start for start in starts if start is not None)
        return None

    def _held_from(self) -> int:
        begun = None if not self._word else "" if self._word[0] in "<&" else folded(self._word)
        start = self._heard - len(self._word)
        return min(watch.held_from(begun, start, self._heard) for watch in self._watches)

    def _give(self, upto: int) -> str:
        if upto <= self._given:
            return ""
        text = "".join(self._held)
        given, left = text[: upto - self._given], text[upto - self._given :]
        self._held, self._given = [left], upto
        self.spoke = self.spoke or any(_words(given))
        return given


def folded(word: str) -> str:
    """A word as it is compared: case, width and marks are gone. Of two strings together it is both's together."""
    if word.isascii():
        return word.lower()
    bare = unicodedata.normalize("NFKD", UNHEARD.sub("", word)).casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", bare)))


def instructions(params: Mapping[str, Any]) -> Iterator[str]:
    """The texts of the messages that tell the model what it is."""
    for message in params.get("messages") or ():
        if message.get("role") in ("system", "developer"):
            content = message.get("content") or ""
            parts = content if isinstance(content, list) else [{"text": content}]
            yield "\n".join(part.get("text") or "" for part in parts)


def watches(instructions: Iterable[str], size: int = WORDS) -> list[Watch]:
    """What follows an answer along these system messages; nothing for those of fewer than ``size`` words."""
    kept = ((text, plain) for text in instructions for plain in (False, True))
    prompts = [_prompt(text, size, plain=plain) for text, plain in kept]
    return [Watch(prompt, size) for prompt in prompts if prompt.pieces]


def recites(texts: Iterable[str], instructions: Iterable[str], size: int = WORDS) -> bool:
    """Whether the texts, one after another, recite one of these system messages."""
    gate = Gate(watches(instructions, size))
    gate.hear("\n".join(texts), last=True)
    return gate.recital


def _slight(word: str) -> bool:
    """What may number a line: a figure, a letter."""
    return word.isdecimal() or (len(word) == 1 and word.isascii())


def _goes_on(match: re.Match[str]) -> bool:
    """Whether what comes next may belong to this word."""
    return bool(match["word"]) and not ONE_LETTER.match(match[0])


def _words(text: str) -> Iterator[str]:
    return (match["word"] for match in PART.finditer(text) if match["word"])


@lru_cache(maxsize=CACHED)
def _prompt(text: str, size: int, *, plain: bool) -> Prompt:
    words = [word for word in map(folded, _words(text)) if word and not (plain and _slight(word))]
    starts = range(len(words) - size + 1)
    pieces = frozenset(tuple(words[at : at + length]) for at in starts for length in range(1, size + 1))
    distinct = {word for piece in pieces for word in piece[-1:]}
    beginnings = frozenset(word[:end] for word in distinct for end in range(1, len(word) + 1))
    return Prompt(pieces, frozenset(words[at] for at in starts), beginnings, plain)

"""Finds phrases in a text, word by word and blind to case, at a cost that grows with the text's length only.

A phrase is a row of words. ``{name}`` stands for any of the synonyms of that name, ``..`` for up to three words of any
kind, ``.. ..`` for up to six. A phrase stands within one clause: a comma, a full stop, a dash or a word such as "but"
ends it, and with it a negation's reach. A phrase that ends in a full stop stands at the end of a clause only.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, NamedTuple

from pydantic import Field

from gateway.contract import Configured, MisplacedError
from policies.common.trie import Hit, Part, Trie
from policies.common.words import CLAUSE, ENDS, SENTENCE, tokenise, words

Text = Annotated[str, Field(min_length=1, max_length=200)]

GAP, GAP_WORDS, LAST = "..", 3, "."
#: The forms of one phrase, and of all, once every synonym is written out; more is a mistake that would eat the memory.
MOST_FORMS, MOST_FORMS_OF_ALL = 10_000, 100_000


class Vocabulary(Configured):
    """How phrases and texts are read.

    ``ignored``        words that are left out of both
    ``breaks``         words that begin a new clause
    ``abbreviations``  words whose full stop ends no sentence
    ``negations``      phrases that deny what begins within ``reach`` words after them, in their clause
    ``exceptions``     phrases that look like a negation or a retraction and are none
    ``retractions``    phrases that deny what stands before them in their sentence
    ``synonyms``       phrases by the name that stands for them
    """

    ignored: list[Text] = Field(default_factory=list)
    breaks: list[Text] = Field(default_factory=list)
    abbreviations: list[Text] = Field(default_factory=list)
    negations: list[Text] = Field(default_factory=list)
    exceptions: list[Text] = Field(default_factory=list)
    retractions: list[Text] = Field(default_factory=list)
    synonyms: dict[str, Annotated[list[Text], Field(min_length=1)]] = Field(default_factory=dict)
    reach: Annotated[int, Field(ge=1, le=20)] = 5


class PhraseError(ValueError):
    """A phrase, or another text of a vocabulary, that can't be matched; ``text`` is as it was written."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text

    def placed(self, file: Configured) -> MisplacedError:
        """The same, with the place in ``file`` where the text stands last."""
        return MisplacedError(str(self), _place(file.model_dump(), self.text) or ())


class Match(NamedTuple):
    """A phrase found: its place in the list, how many words of its own, where, and whether it is negated."""

    phrase: int
    words: int
    start: int
    end: int
    denied: bool


class Phrases:
    """Phrases in a vocabulary. Raises PhraseError where one can't be matched.

    ``same`` are groups of phrases, by their places, which say the same in one of their forms.
    """

    def __init__(self, vocabulary: Vocabulary, phrases: Sequence[str]) -> None:
        self._reach = vocabulary.reach
        reader = _Reader(vocabulary)
        self._line = reader.line
        roles = [*vocabulary.negations, *vocabulary.exceptions, *vocabulary.retractions]
        self._negations = range(len(vocabulary.negations))
        self._exceptions = range(len(self._negations), len(self._negations) + len(vocabulary.exceptions))
        self._roles = len(roles)
        texts = [*roles, *phrases]
        self._last = {row for row, text in enumerate(texts) if _closes(text)}
        parts = [reader.parts(text) for text in texts]
        self._trie = Trie(parts)
        self.same = {tuple(row - self._roles for row in rows if row >= self._roles) for rows in self._trie.same}
        self._refuse_twins(roles)
        # A negation that a phrase is written with is part of it, and does not deny it.
        own = Trie(parts[: len(self._negations)])
        self._negative = {row for row, text in enumerate(phrases) if any(own.hits(reader.line(words(text))))}

    def find(self, tokens: Sequence[str]) -> list[Match]:
        """The phrases in what ``tokenise`` made of a text, by where they begin."""
        line = self._line(tokens)
        hits = [hit for hit in self._trie.hits(line) if hit.row not in self._last or _at_end(line, hit.end)]
        if not hits:
            return []
        closed, begun = self._denials(line, [hit for hit in hits if hit.row < self._roles])
        return [
            Match(row - self._roles, size, start, end, start in closed or self._split(row, start, end, begun))
            for row, size, start, end in hits
            if row >= self._roles
        ]

    def _split(self, row: int, start: int, end: int, begun: set[int]) -> bool:
        """Whether a negation stands inside of a match, in one of the phrase's gaps."""
        inside = bool(begun) and not begun.isdisjoint(range(start, end))
        return inside and row - self._roles not in self._negative

    def _denials(self, line: Sequence[str], roles: Sequence[Hit]) -> tuple[set[int], set[int]]:
        """Where a match that begins there is negated, and where negations begin."""
        if not roles:
            return set(), set()
        excused = {at for hit in roles if hit.row in self._exceptions for at in range(hit.start, hit.end)}
        live = [hit for hit in roles if hit.start not in excused]
        negations = [hit for hit in live if hit.row in self._negations]
        closed = _before(line, {hit.start for hit in live if hit.row not in self._negations})
        for hit in negations:
            for at in range(hit.end, min(hit.end + self._reach, len(line))):
                if line[at] in (CLAUSE, SENTENCE):
                    break
                closed.add(at)
        return closed, {hit.start for hit in negations}

    def _refuse_twins(self, roles: Sequence[str]) -> None:
        """An exception that is a negation without its ignored words would switch that off."""
        for rows in self._trie.same:
            twins = [roles[row] for row in rows if row < self._roles]
            if any(row in self._exceptions for row in rows) and len(twins) > 1:
                message = f"{' and '.join(map(repr, twins))} say the same, once ignored words are gone; keep one"
                raise PhraseError(message, twins[-1])


class _Reader:
    """Reads texts and phrases as the vocabulary says."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._abbreviations = {word for text in vocabulary.abbreviations for word in words(text)}
        self._meanings = dict(ENDS)
        self._meanings |= {_single(text): "" for text in vocabulary.ignored}
        self._meanings |= {_single(text): CLAUSE for text in vocabulary.breaks}
        self._forms = 0
        self._synonyms = {
            name: [self._plain(text, f"synonym {text!r} of {name!r}", text) for text in texts]
            for name, texts in vocabulary.synonyms.items()
        }

    def line(self, tokens: Sequence[str]) -> list[str]:
        """The words that count, with the ends of clauses, of which several in a row are one."""
        line: list[str] = []
        before = ""
        for token in tokens:
            meaning = self._meanings.get(token, token)
            if meaning in (CLAUSE, SENTENCE):
                if token == SENTENCE and before in self._abbreviations:
                    continue
                if line and line[-1] in (CLAUSE, SENTENCE):
                    meaning = SENTENCE if SENTENCE in (line.pop(), meaning) else CLAUSE
            if meaning:
                line.append(meaning)
            before = token
        return line

    def parts(self, text: str) -> list[Part]:
        """A phrase as a row; gaps beside each other are one wide gap."""
        parts: list[Part] = []
        wide = 0
        for item in (text.rstrip()[: -len(LAST)] if _closes(text) else text).split():
            if item == GAP:
                wide += GAP_WORDS
            elif options := self._options(item, text):
                parts += [wide, options] if wide else [options]
                wide = 0
        if not parts or wide or isinstance(parts[0], int):
            message = f"the phrase {text!r} needs words that are not ignored at its beginning and end"
            raise PhraseError(message, text)
        self._count(text, prod(len(part) for part in parts if not isinstance(part, int)))
        return parts

    def _options(self, item: str, text: str) -> Sequence[tuple[str, ...]]:
        """What one item of a phrase stands for: synonyms, words, or nothing where it is ignored."""
        if item[0] == "{" and item[-1] == "}":
            if item[1:-1] not in self._synonyms:
                known = ", ".join(self._synonyms) or "none"
                raise PhraseError(f"the phrase {text!r} names {item}, which is not among 'synonyms' ({known})", text)
            return self._synonyms[item[1:-1]]
        if not self.line(tokenise(item)) and words(item):
            return []
        return [self._plain(item, f"phrase {text!r}", text)]

    def _plain(self, text: str, named: str, written: str) -> tuple[str, ...]:
        """The words of a text without gaps and synonyms; ``written`` is what it is part of."""
        line = self.line(tokenise(text))
        if not line or "{" in text or "}" in text or GAP in text.split():
            raise PhraseError(f"the {named} needs a word that is not ignored, and words only", written)
        if CLAUSE in line or SENTENCE in line:
            message = f"the {named} holds a mark or a word that ends a clause, and could never match"
            raise PhraseError(message, written)
        return tuple(line)

    def _count(self, text: str, forms: int) -> None:
        self._forms += forms
        if forms > MOST_FORMS or self._forms > MOST_FORMS_OF_ALL:
            message = (
                f"the phrase {text!r} makes {forms} forms of {self._forms} in all; "
                f"{MOST_FORMS} and {MOST_FORMS_OF_ALL} are the most: use fewer synonyms"
            )
            raise PhraseError(message, text)


def _closes(text: str) -> bool:
    """Whether a phrase stands at the end of a clause only."""
    return text.rstrip().endswith(LAST) and not text.rstrip().endswith(GAP)


def _at_end(line: Sequence[str], at: int) -> bool:
    return at == len(line) or line[at] in (CLAUSE, SENTENCE)


def _single(text: str) -> str:
    found = tokenise(text)
    if len(found) != 1 or found[0] in ENDS:
        raise PhraseError(f"{text!r} is not one word, as 'ignored' and 'breaks' list them", text)
    return found[0]


def _place(value: object, text: str) -> tuple[str | int, ...] | None:
    """The keys and indices that lead to the last place of ``text`` in a file."""
    if value == text:
        return ()
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, item in reversed(inner):
        found = _place(item, text)
        if found is not None:
            return (key, *found)
    return None


def _before(line: Sequence[str], retracted: set[int]) -> set[int]:
    """What stands before a retraction in its sentence or, where it begins one, in the sentence before."""
    closed: set[int] = set()
    taken = False
    if not retracted:
        return closed
    for at in range(len(line) - 1, -1, -1):
        if line[at] == SENTENCE:
            taken = not retracted.isdisjoint(range(at + 1, at + 4))
        taken = taken or at in retracted
        if taken:
            closed.add(at)
    return closed

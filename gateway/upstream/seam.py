"""The seam of an answer that broke off and is gone on with by another model: one whole text, nothing twice.

What the other model says is read as the first of these that fits, white space compared collapsed, the rest exactly:

1. *Restart*: the answer from its beginning to the end of what was sent, and on. What was sent is dropped.
2. *Repeat*: it begins with the last words of what was sent (``REACH`` characters at most), be the last of them cut
   short; the longest wins; dots before it are ignored. It begins at a word's beginning and ends at a word's end, or
   completes a word of three letters or more, or one of several; and it holds a letter, or two different numbers, or
   three characters of a script without blanks. So rules, rows of noughts and dots are no repeats.
3. *Restart in other words*: it agrees with the beginning for ``MARK`` or more, then differs: ``Diverged``. Where it
   ends instead of differing, nothing is sent on. ``MARK`` is four words; six characters of a script without blanks
   count as one word.
4. *Exact*: everything else. It is passed through; only the white space at the seam is put right.

A text that repeats itself can't be decided: after "ho ho", "ho ho ho" may be anew, or three more. The longest reading
as something said before is preferred, so that such a text comes out too short rather than twice. Nor can an answer of
which less than a word was sent: after "#", "# Ada" is taken for the answer from its beginning.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

REACH: Final = 2000
NEVER: Final = REACH + 1
MARK, _WORD = 24, 6
_LETTERS = _CHARACTERS = 3
_DOTS, _MOST_DOTS = ".…", 5

#: Thai, Lao, Tibetan, Burmese, Khmer, kana and Han: their words don't end in a blank.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


class Diverged(Exception):
    """The other model began the answer anew, in other words, so that nothing it says fits what was sent."""


class Seam:
    """Joins what another model says to ``sent``, which a caller has read.

    ``prefilled``: the model was given ``sent``, stripped at its right end, as the beginning of its own answer, so that
    its white space at the seam is the whole of it and none is ever invented. ``splits_words``: the first model's
    pieces ended within words, so that a continuation without a blank goes on within the word. Time and memory are
    linear in both texts. Where the continuation breaks off too, leave ``end`` out and begin a new seam with all that
    was sent: what this one still holds is not lost, for the next model goes on from there.
    """

    def __init__(self, sent: str, *, prefilled: bool, splits_words: bool) -> None:
        self._core = " ".join(sent.split())
        self._trailing = sent[len(sent.rstrip()) :]
        self._prefilled, self._splits_words = prefilled, splits_words
        self._held: list[str] = []
        self._length, self._blank = 0, False
        self._said: list[str] = []  # what came, white space collapsed, and for each where it ends in what came
        self._ends: list[int] = []
        self._skip: int | None = None  # how much of it is dots before a repeat; None while only dots have come
        self._restart = _Restart(self._core, within_word=not self._trailing)
        self._repeat = _Repeat(self._core, within_word=not self._trailing)
        self._settled = not self._core

    @property
    def settled(self) -> bool:
        """Whether from now on every text is passed through as it comes."""
        return self._settled

    def add(self, text: str) -> str:
        """What may be sent on now of all that came so far, "" while that is undecided; raises Diverged."""
        if self._settled:
            return text
        self._held.append(text)
        for end, char in enumerate(text, self._length + 1):
            self._take_raw(char, end)
            if self._restart.over and self._repeat.over:
                return self._settle()
        self._length += len(text)
        return ""

    def end(self) -> str:
        """What is left at the end of the continuation; raises Diverged where ``add`` was still undecided."""
        ended_early = not self._restart.over
        if not self._settled and self._said:
            self._take("", self._length)  # equal to no character, so that everything comes to its end
            if not (ended_early and self._restart.marked):
                return self._settle()
        self._settled = True
        return ""

    def _take_raw(self, char: str, end: int) -> None:
        if char.isspace():
            self._blank = True
            return
        if not self._said:
            # A model that begins anew puts no blank before it.
            self._restart.forced = not self._blank and (not self._prefilled or self._core[-1].isalpha())
        elif self._blank:
            self._take(" ", end - 1)
        self._take(char, end)
        self._blank = False

    def _take(self, char: str, end: int) -> None:
        self._said.append(char)
        self._ends.append(end)
        self._restart.take(char)
        if self._skip is not None:
            self._repeat.take(char)
        elif (skip := _dots(self._said)) is not None:
            self._skip = skip
            for said in self._said[skip:]:
                self._repeat.take(said)

    def _settle(self) -> str:
        """All that is to be sent on of what is held."""
        text = "".join(self._held)
        self._held.clear()
        self._settled = True
        if self._restart.whole:
            return self._joined(text[self._ends[len(self._core) - 1] :], exact=False)
        if repeated := self._repeat.longest():
            return self._joined(text[self._ends[(self._skip or 0) + repeated - 1] :], exact=False)
        if self._restart.marked:
            raise Diverged
        return self._joined(text, exact=True)

    def _joined(self, text: str, *, exact: bool) -> str:
        """``text`` with the white space before it such as the seam needs."""
        rest = text.lstrip()
        leading = text[: len(text) - len(rest)]
        if not rest:
            return ""
        if not exact or self._prefilled:
            return _beyond(self._trailing, leading) + rest
        if not leading and not self._trailing and not self._splits_words and _wants_blank(self._core, rest):
            return " " + rest
        twice = leading[:1] == " " and set(self._trailing) == {" "} and 1 in {len(leading), len(self._trailing)}
        return text[1:] if twice else text  # longer runs are kept: they align something


class _Restart:
    """Whether what comes is the answer from its beginning: known once ``over``; ``whole`` where all that was sent
    comes again, ``marked`` where only a good part of it does. ``forced``: a piece of a short word is enough."""

    def __init__(self, core: str, *, within_word: bool) -> None:
        self._core, self._within_word, self._at = core, within_word, 0
        self.forced = self.over = self.whole = self.marked = False

    def take(self, char: str) -> None:
        """Take in the next character; "" for the end."""
        if self.over or self._core[self._at : self._at + 1] == char != "":
            self._at += 1
            return
        self.over = True
        completes = self._within_word and (self.forced or _completable(self._core[-REACH:]) < NEVER)
        self.whole = self._at == len(self._core) and (completes or not _one_word(self._core[-1], char))
        self.marked = not self.whole and self._weight(char) >= MARK

    def _weight(self, char: str) -> int:
        """How much agreed, the word left out in which it stopped agreeing."""
        agreed = self._core[: self._at]
        following = self._core[self._at : self._at + 1]
        if _one_word(agreed[-1:], char) or _one_word(agreed[-1:], following):
            agreed = agreed[: _beginning(agreed, len(agreed) - 1)]
        return sum(len(_UNSPACED.findall(word)) or _WORD * any(map(str.isalnum, word)) for word in agreed.split())


class _Repeat:
    """Looks for the end of what was sent at the beginning of what comes (Knuth, Morris and Pratt, as it comes in)."""

    def __init__(self, core: str, *, within_word: bool) -> None:
        self._core, self._within_word = core, within_word
        self._at = max(0, len(core) - REACH)
        self._length = 0  # so much of what was said stands in ``core`` before ``_at``
        self._said: list[str] = []
        self._borders = [0, 0]  # of each beginning of what was said, how much of its own end it begins with

    @property
    def over(self) -> bool:
        """Whether nothing that may come can change the result."""
        return self._at == len(self._core) and self._length < len(self._said)

    def take(self, char: str) -> None:
        """Take in the next character; "" for the end."""
        if self.over:
            return
        self._said.append(char)
        border = self._borders[-1]
        while border and self._said[border] != char:
            border = self._borders[border]
        if len(self._said) > 1:
            self._borders.append(border + (self._said[border] == char))
        self._advance()

    def _advance(self) -> None:
        while self._at < len(self._core) and self._length < len(self._said):
            fits = self._core[self._at] == self._said[self._length]
            if self._length and not fits:
                self._shorten()
                continue
            if fits and (self._length or _begins_word(self._core, self._at)):
                self._length += 1
            self._at += 1

    def longest(self) -> int:
        """The length of the longest repeat, 0 where there is none; once it is ``over``."""
        tail = self._core[-REACH:]
        whole = _telling(tail)
        least = whole, max(whole, _completable(tail) if self._within_word else NEVER)
        while self._length and self._length < least[_one_word(tail[-1], self._said[self._length])]:
            self._shorten()
        return self._length

    def _shorten(self) -> None:
        """On to the next shorter beginning of what was said that ends here and begins with a word."""
        self._length = self._borders[self._length]
        while self._length and not _begins_word(self._core, self._at - self._length):
            self._length = self._borders[self._length]


def _dots(said: list[str]) -> int | None:
    """How many characters of ``said`` are an ellipsis and the blank after it; None while more dots may come."""
    text = "".join(said)
    dots = len(text) - len(text.lstrip(_DOTS))
    if dots == len(text.rstrip()) and dots <= _MOST_DOTS and said[-1]:
        return None
    if dots > _MOST_DOTS or not (dots >= len("...") or "…" in text[:dots]):
        return 0
    return dots + text.startswith(" ", dots)


def _in_word(char: str) -> bool:
    return char.isalnum() or (char != "" and unicodedata.category(char)[0] == "M")


def _one_word(left: str, right: str) -> bool:
    """Whether no word ends between the two characters; either may be ""."""
    return _in_word(left) and _in_word(right) and not _UNSPACED.match(left) and not _UNSPACED.match(right)


def _begins_word(text: str, at: int) -> bool:
    if at == 0 or text[at - 1] == " ":
        return text[at] != " "
    before = at - 2 if text[at - 1] in "'\u2019" and at > 1 else at - 1
    return text[at].isalnum() and not _one_word(text[before], text[at])


def _beginning(text: str, at: int) -> int:
    """Where the word begins that stands at ``at``."""
    while at > 0 and _one_word(text[at - 1], text[at]):
        at -= 1
    return at


def _telling(tail: str) -> int:
    """How much of its end says enough to be known again; ``NEVER`` where nothing does."""
    unspaced = [found.start() for found in _UNSPACED.finditer(tail)]
    letters = [at for at, char in enumerate(tail) if char.isalpha() and not _UNSPACED.match(char)]
    numbers = list(_NUMBER.finditer(tail))
    others = (found.start() for found in numbers if found.group() != numbers[-1].group())
    words = [_beginning(tail, at) for at in letters[-1:]]
    return len(tail) - max([*unspaced[: 1 - _CHARACTERS], *others, *words], default=len(tail) - NEVER)


def _completable(tail: str) -> int:
    """How much of its end may have its last word completed by a longer one; ``NEVER`` where nothing may."""
    last = _beginning(tail, len(tail) - 1)
    if sum(map(str.isalpha, tail[last:])) >= _LETTERS:
        return len(tail) - last
    before = next((at for at in reversed(range(last)) if _in_word(tail[at])), None)
    return NEVER if before is None else len(tail) - _beginning(tail, before)


def _wants_blank(left: str, right: str) -> bool:
    """Whether two words meet, or a mark that ends a phrase and a word. Within a number nothing ends."""
    mark, first = left[-1], right[0]
    last = mark if _in_word(mark) else left[-2:-1]
    if not first.isalnum() or _UNSPACED.match(first) or (first.isdigit() and last.isdigit()):
        return False
    if last == mark:
        return _one_word(mark, first)
    ends_phrase = mark in ",;:!?%" or (mark == "." and not first.islower())  # "example." and "com" are one
    return mark in ")]" or (ends_phrase and _in_word(last))


def _beyond(trailing: str, leading: str) -> str:
    """What remains to be sent of ``leading``, the whole white space of a place, where ``trailing`` was sent of it."""
    if leading.startswith(trailing):
        return leading[len(trailing) :]
    lines = min(trailing.count("\n"), leading.count("\n"))
    if trailing.startswith(leading) or leading == " " or not (lines or "\n" in trailing + leading):
        return ""
    return leading.split("\n", lines)[-1]

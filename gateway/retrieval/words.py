"""What a question asks for, word by word: its meaningful words, and its codes, numbers and dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

#: A question's characters and words that count; what is beyond them is not read.
MOST_CHARACTERS = 2_000
MOST_WORDS = 48
#: Of the words that stand in none of the texts so many are looked for in another spelling, the longest ones: each is
#: compared with every word of the texts.
MOST_UNKNOWN = 6

_BREAK = re.compile(r"[\W_]+")
#: Codes, versions and dates: B006, INV-2041, 3.10, 2026-01-31, 0.0.0.0. A quantity (30, 24h, 3-day, 10000) is none.
_TOKEN = re.compile(r"[^\W_]+(?:[._\-/:]+[^\W_]+)*")
_CODE = re.compile(r"[^\W\d].*\d.*|\d+(?:[.\-/:]\d+)+")
#: How far apart two words may begin or end to be close, in characters.
_CLOSE = 25
_ENDINGS = """izations ization ations ation ements ement ments ment ities ity ings ing ions ion ables able ives ive
ers er ies ied ed es ly al s y e"""
_STOP_WORDS = """
a about actually also am an and any anyone anything are as ask at be because been before being but by can cannot
could did do does doing done dont else etc ever every few for from get gets getting give go goes going got had
happen happens has have having hello help her here hey hi him his how however i if in instead into is isn it its
just keep know let like look looking lot make makes many may me mean means might more most much must my need needs
no not now of off ok okay on once one only onto or other our out over own per please put really right said same say
see shall she should show so some someone something still such sure take tell than thank thanks that the their them
then there these they thing things this those to too under until up upon us use used uses using very via want wants
was way we well were what whats when where whether which while who whom whose why will with within without wont
would yes yet you your"""
_BY_LENGTH = tuple(sorted(_ENDINGS.split(), key=len, reverse=True))
_NOT_ASKED_FOR = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is matched. ``words`` are lower-case, meaningful and different from each other; ``codes`` are
    lower-case and whole, each with its characters as they were written."""

    text: str
    words: tuple[str, ...]
    codes: tuple[str, ...]


def asked(query: str) -> Asked:
    """Of the first MOST_CHARACTERS; lone surrogates become question marks."""
    text = query[:MOST_CHARACTERS].encode("utf-8", "replace").decode().strip()
    codes = tuple(dict.fromkeys(token for token in _TOKEN.findall(text.lower()) if _CODE.fullmatch(token)))
    return Asked(text, tuple(meaningful(flat(text))[:MOST_WORDS]), codes[:MOST_WORDS])


def meaningful(words: str) -> list[str]:
    """The words of a flat text that say what it is about, each once; all of them where none does."""
    found = dict.fromkeys(words.split())
    kept = [word for word in found if word not in _NOT_ASKED_FOR and (len(word) > 1 or word.isdigit())]
    return kept or list(found)


def flat(text: str) -> str:
    """Lower-case words with one space before and after each, nothing else."""
    return f" {_BREAK.sub(' ', text.lower()).strip()} "


def stem(word: str) -> str:
    """What a word's other forms begin with as well; short words and those with digits are left whole."""
    if len(word) <= 3 or any(char.isdigit() for char in word):
        return f"{word} "
    for ending in _BY_LENGTH:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            rest = word[: -len(ending)]
            return rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] not in "ls" else rest
    return word


def near(word: str, vocabulary: Iterable[str]) -> str | None:
    """The word of ``vocabulary`` that ``word`` was meant to be: one slip away, two in a long word; None where there is
    none, or where a slip makes too much of a difference (short words, digits)."""
    if len(word) < 4 or any(char.isdigit() for char in word):
        return None
    most = 1 if len(word) < 8 else 2
    best, distance = None, most + 1
    for other in vocabulary:
        if abs(len(other) - len(word)) <= most and (other[0] == word[0] or other[-1] == word[-1]):
            found = _slips(word, other, distance - 1)
            if found < distance:
                best, distance = other, found
    return best


def has_code(code: str, lower: str) -> bool:
    """Whether ``lower``, a lower-case text, holds ``code`` by itself, not as a part of a longer one."""
    start = lower.find(code)
    while start >= 0:
        end = start + len(code)
        if not lower[start - 1 : start].isalnum() and not lower[end : end + 1].isalnum():
            return True
        start = lower.find(code, start + 1)
    return False


def close(text: str, first: str, second: str) -> bool:
    """Whether the two stand close together somewhere in a flat text, in either order."""
    found = text.find(first)
    while found >= 0:
        if text.find(second, max(0, found - _CLOSE), found + len(first) + _CLOSE) >= 0:
            return True
        found = text.find(first, found + 1)
    return False


def corrected(words: Collection[str], flats: Collection[str]) -> dict[str, str]:
    """What each of ``words`` that stands in none of the texts was meant to be, where the texts tell."""
    strange = [word for word in words if not any(f" {stem(word)}" in text for text in flats)]
    unknown = sorted(strange, key=len, reverse=True)[:MOST_UNKNOWN]
    if not unknown:
        return {}
    vocabulary = sorted({other for text in flats for other in text.split()})
    meant = {word: near(word, vocabulary) for word in unknown}
    return {word: other for word, other in meant.items() if other}


def _slips(left: str, right: str, most: int) -> int:
    """Letters to add, leave out, change or swap with the next one, to make one word the other; more than ``most`` is
    not counted further."""
    before, row = [0] * (len(right) + 1), list(range(len(right) + 1))
    for i, char in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == right[j - 2] and left[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]

"""The best passages quoted, where no model can put them into words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import log
from typing import NamedTuple

from gateway.contract import Passage
from policies.common.plain import clipped
from policies.common.words import words
from policies.knowledge.orders import LEFT_OUT

#: A sentence's end, or a line's: items of lists and rows of tables stand in lines of their own.
END = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)\]]{0,3}\s+|\n+")
#: Of a word so much tells it from others, whatever its ending.
STEM = 6
SHORT = 3
#: A line's end within an item of a Markdown list.
BREAK = "  \n  "
LEAST = 2


def quotes(query: str, passages: Sequence[Passage], longest: int) -> list[str]:
    """One quotation a passage, in its own lines: from its sentence that fits the query best on, about ``longest``
    characters."""
    parts = [_sentences(passage.text) for passage in passages]
    weight = _weights(query, [sentence.text for sentences in parts for sentence in sentences])
    return [_quote(sentences, weight, longest) for sentences in parts]


def listed(quoted: Iterable[str], say: Callable[[str], str]) -> str:
    """The quotations as a list in Markdown, each with its citation; ``say`` puts a line's text into the answer."""
    items = (BREAK.join(map(say, text.split("\n"))) for text in quoted)
    return "\n".join(f"- {item} [{number}]" for number, item in enumerate(items, start=1))


class Sentence(NamedTuple):
    """``behind`` is what stands between it and the next one: a line's end, or a space."""

    text: str
    behind: str


def _sentences(text: str) -> list[Sentence]:
    found, at = [], 0
    for end in END.finditer(text):
        found.append(Sentence(text[at : end.end()].strip(), "\n" if "\n" in end[0] else " "))
        at = end.end()
    found.append(Sentence(text[at:].strip(), ""))
    return [sentence for sentence in found if sentence.text.strip(LEFT_OUT)]


def _quote(sentences: Sequence[Sentence], weight: Callable[[str], float], longest: int) -> str:
    """Sentences in their order, since the best one often needs what follows it."""
    if not sentences:
        return LEFT_OUT
    best = max(range(len(sentences)), key=lambda at: (weight(sentences[at].text), -at))
    quote = clipped(" ".join(sentences[best].text.split()), longest)
    for before, sentence in pairwise(sentences[best:]):
        if len(quote) + len(sentence.text) >= longest:
            break
        quote += before.behind + sentence.text
    return quote


def _weights(query: str, sentences: Sequence[str]) -> Callable[[str], float]:
    """How much of the query a sentence holds; a word that stands in few sentences tells more."""
    wanted = set(_stems(query))
    counts = Counter(stem for sentence in sentences for stem in wanted.intersection(_stems(sentence)))
    worth = {stem: log(1 + len(sentences) / count) for stem, count in counts.items()}
    return lambda sentence: sum(worth.get(stem, 0.0) for stem in set(_stems(sentence)))


def _stems(text: str) -> Iterator[str]:
    for word in words(text):
        if len(word) >= LEAST:
            yield word[:STEM].rstrip("s") if len(word) > SHORT else word

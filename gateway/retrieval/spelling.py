"""Words of a query that may be misspelt, and how the texts spell them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

WORD = re.compile(r"\w+")
ENDING = re.compile(r"(?:ations?|ings?|ed|es|s|al|ly|e|y)$")
SHORTEST = 4
#: Each costs a search of its own.
MOST = 3
LIKENESS = 0.72


def words(text: str, most: int) -> list[str]:
    """The first ``most`` different words."""
    return list(dict.fromkeys(WORD.findall(text.encode(errors="ignore").decode())))[:most]


def unknown(asked: Sequence[str], texts: Iterable[str]) -> list[str]:
    """The longest of the words that none of ``texts`` holds; endings may differ, as they do for the index."""
    seen = _folded("\n".join(texts))
    folded = {_folded(word) for word in asked if len(word) >= SHORTEST and word.isalpha()}
    missing = [word for word in folded if ENDING.sub("", word) not in seen]
    return sorted(missing, key=lambda word: (-len(word), word))[:MOST]


def spelt(word: str, texts: Sequence[str]) -> str | None:
    """The word of ``texts`` that is most like ``word``, None where none is, or where ``word`` is one of them."""
    known = {found for text in texts for found in WORD.findall(_folded(text)) if len(found) >= SHORTEST}
    if word in known:
        return None
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=LIKENESS)), None)


def _folded(text: str) -> str:
    """Lower case without accents, as the index has it."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))

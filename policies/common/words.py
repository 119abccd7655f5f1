"""Splits a text into its words, of whatever script, at a cost that grows with the text's length only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: What ends a clause or a sentence, in a row of words.
CLAUSE, SENTENCE = ",", "."
CLAUSE_MARKS = ",;:\n\r\v\f\x85\u2028\u2029\u060c\u061b\u3001\u2013\u2014\u2015"
SENTENCE_MARKS = ".!?\u061f\u06d4\u0964\u3002"
ENDS = dict.fromkeys((*CLAUSE_MARKS, "-"), CLAUSE) | dict.fromkeys(SENTENCE_MARKS, SENTENCE)


def _ranges(codes: Iterator[int]) -> str:
    """The characters as the inside of a character class."""
    found: list[list[int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in found)


#: Marks that belong to a letter, such as Indic vowels; none beyond these planes is in daily use.
MARKS = _ranges(code for code in range(0x20000) if unicodedata.category(chr(code)).startswith("M"))
#: Scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana, Han.
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u00b4\u2032\uff07`"), "'")
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
#: A letter has few marks; more of them make normalising quadratic.
HEAPED = re.compile(f"([{MARKS}]{{4}})[{MARKS}]+")
#: Marks that no composed letter took in, such as the dot that casefold leaves of a Turkish capital.
LOOSE = re.compile("[\u0300-\u036f\u20d0-\u20ff]")
UNSPACED = re.compile(f"[{SPACELESS}][{MARKS}]*")
LETTER = f"[\\w{MARKS}]"
#: A word with the apostrophes inside of it, or a mark that ends a clause: not the point in 3.5, the comma in 1,000, a
#: hyphen between two words.
TOKEN = re.compile(
    rf"{LETTER}+(?:'{LETTER}+)*|\.(?!\w)|,(?!\d)|(?<=\s)-(?=\s)|-(?=-)"
    f"|[{CLAUSE_MARKS[1:]}{SENTENCE_MARKS[1:]}]"
)


def fold(text: str) -> str:
    """The text with what reads alike made alike: case, width, ligatures, apostrophes; what is not seen is gone."""
    if text.isascii():
        return text.lower().replace("`", "'").replace("_", " ")
    text = HEAPED.sub(r"\1", UNSEEN.sub("", text.translate(APOSTROPHES)))
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return UNSPACED.sub(r" \g<0> ", LOOSE.sub("", text)).replace("_", " ")


def tokenise(text: str) -> list[str]:
    """The words of a text, folded and without a possessive's ending, and the marks that end its clauses."""
    return [token.removesuffix("'s") for token in TOKEN.findall(fold(text))]


def words(text: str) -> list[str]:
    """The words of a text alone."""
    return [token for token in tokenise(text) if token not in ENDS]

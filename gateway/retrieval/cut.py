"""Cuts what is too long for one chunk: a text at sentences, then words, then characters; a table between its rows, a
list between its items, code between its lines. Nothing is lost but white space, and time is linear in the length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from gateway.retrieval.types import Block, Kind

#: After a sentence's end and what closes it, before white space; after CJK full stops; and at every end of a line.
SENTENCE = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]{0,3}\s+|[\u3002\uff01\uff1f]+\s*|\n\s*")
WORD = re.compile(r"\s+")
#: A table's row stands on a line of its own, an item of a list begins at the line's start.
ITEM = re.compile(r"\n(?=\S)")
LINE = re.compile(r"\n")
#: Longer runs of combining characters are no writing, and are cut like anything else.
LONGEST_CLUSTER = 32
JOINER = "\u200d"


def cut(block: Block, target: int, most: int) -> list[str]:
    """The block's text in pieces of about ``target`` and at most ``most`` characters; in one where it fits."""
    text = block.text.strip("\n") if block.kind is Kind.CODE else block.text.strip()
    if len(text) <= most:
        return [text] if text.strip() else []
    if block.kind is Kind.TABLE:
        return _table(text, target, most)
    if block.kind is Kind.LIST:
        return _packed(_between(text, ITEM), target, most)
    if block.kind is Kind.CODE:
        return [piece.strip("\n") for piece in _packed(_between(text, LINE), target, most)]
    return _prose(text, target, most)


def _table(text: str, target: int, most: int) -> list[str]:
    """Groups of rows, each under the table's header, where that leaves room for them."""
    header, _, rows = text.partition("\n")
    if not rows or len(header) > most // 2:
        return _packed(_between(text, LINE), target, most)
    room = most - len(header) - 1
    groups = _packed(_between(rows, LINE), min(max(target - len(header) - 1, 1), room), room)
    return [f"{header}\n{group}" for group in groups]


def _prose(text: str, target: int, most: int) -> list[str]:
    return _packed(_between(text, SENTENCE), target, most, deeper=True)


def _packed(parts: Iterable[str], target: int, most: int, *, deeper: bool = False) -> list[str]:
    """``parts``, which keep the white space at their ends, joined to pieces of about ``target``."""
    pieces: list[str] = []
    held: list[str] = []
    size = 0
    for part in _short(parts, target, most, deeper=deeper):
        if held and size + len(part.rstrip()) > target:
            pieces.append("".join(held))
            held, size = [], 0
        held.append(part)
        size += len(part)
    pieces.append("".join(held))
    return [kept for piece in pieces if (kept := piece.rstrip()).strip()]


def _short(parts: Iterable[str], target: int, most: int, *, deeper: bool) -> Iterator[str]:
    """``parts``, of which those that are longer than ``most`` are cut: at words, and then at characters."""
    for part in parts:
        if len(part.rstrip()) <= most:
            yield part
        elif not deeper:
            yield from (f"{piece}\n" for piece in _prose(part, target, most))
        else:
            yield from _characters(_between(part, WORD), most)


def _characters(words: Iterable[str], most: int) -> Iterator[str]:
    for word in words:
        start = 0
        while len(word) - start > most:
            end = _boundary(word, start, start + most)
            yield word[start:end]
            start = end
        yield word[start:]


def _boundary(text: str, start: int, end: int) -> int:
    """The last place not after ``end`` where no character is torn from the marks that belong to it."""
    for place in range(end, max(start, end - LONGEST_CLUSTER), -1):
        if not _belongs(text[place]) and text[place - 1] != JOINER:
            return place
    return end


def _belongs(character: str) -> bool:
    """Whether it is written on the one before it: an accent, a variation, a skin tone, a joiner."""
    return (
        unicodedata.category(character) in {"Mn", "Me", "Mc"}
        or character == JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def _between(text: str, where: re.Pattern[str]) -> Iterator[str]:
    """``text`` cut after each match."""
    start = 0
    for match in where.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]

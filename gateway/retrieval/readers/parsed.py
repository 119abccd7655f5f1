"""What a reader makes of a file, and how its texts are cleaned."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.retrieval.types import Block, Kind

#: Control characters but tab and line feed; soft hyphens, byte order marks and what is no character at all.
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\ufeff\ufffe\uffff]")
SURROGATES = re.compile(r"[\ud800-\udfff]")
LINE_ENDS = re.compile(r"\r\n|[\r\x0c\x85\u2028\u2029]")
BLANK = re.compile(r"\n[^\S\n]*\n\s*")
CELL = " | "


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's text. ``title`` is what the file itself says, "" where it says none; ``meta`` is its front matter:
    ``title``, ``type``, ``category``, ``source``, as far as they are there."""

    blocks: Sequence[Block]
    title: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)


def clean(text: str) -> str:
    """Composed characters, line feeds for all line ends, and nothing that can't be seen or stored."""
    text = UNSEEN.sub("", LINE_ENDS.sub("\n", text))
    return unicodedata.normalize("NFC", SURROGATES.sub("\ufffd", text))


def line(text: str) -> str:
    """Cleaned, with single spaces, on one line."""
    return " ".join(clean(text).split())


def paragraphs(text: str) -> list[Block]:
    """The paragraphs of plain text: what blank lines part. Their own lines stay as they are."""
    # What a form feed parts is parted.
    parts = BLANK.split(clean(text.replace("\f", "\n\n")))
    return [Block(Kind.PARAGRAPH, kept) for part in parts if (kept := part.strip())]


def table(rows: Iterable[Sequence[str]]) -> list[Block]:
    """A table as lines of ``a | b | c``, the header first; of one column as paragraphs, since it was for layout."""
    cells = [[line(cell) for cell in row] for row in rows]
    kept = [row for row in cells if any(row)]
    if not kept:
        return []
    if max(map(len, kept)) == 1:
        return [Block(Kind.PARAGRAPH, row[0]) for row in kept]
    return [Block(Kind.TABLE, "\n".join(CELL.join(row) for row in kept))]


def first_heading(blocks: Iterable[Block]) -> str:
    """The first heading's words, "" where there is none."""
    return next((line(block.text) for block in blocks if block.kind is Kind.HEADING and block.text.strip()), "")

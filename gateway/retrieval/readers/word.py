"""Word's files (DOCX): what stands in the body, in its order."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.opc.exceptions import OpcError

from gateway.retrieval.readers.parsed import Parsed, clean, first_heading, line, table
from gateway.retrieval.types import Block, Kind, Unreadable

#: Bytes once unpacked: of all, and of one part of XML, whose tree takes some ten times that.
MOST_BYTES = 200 * 1024 * 1024
MOST_XML = 16 * 1024 * 1024
MOST_PARTS = 5_000
#: Word's files of before 2007, and all that are locked with a password, begin so.
OLD = b"\xd0\xcf\x11\xe0"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PARAGRAPH, TABLE, ROW, CELL = (W + name for name in ("p", "tbl", "tr", "tc"))
#: Of two spellings of the same content the second; what was moved away or deleted; what only looks.
SKIPPED = {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    W + "moveFrom",
    W + "del",
    W + "pPr",
    W + "rPr",
}
WRITTEN = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
#: A style is based on another, and that one on another; not without end.
MOST_STYLES = 10


def read(data: bytes) -> Parsed:
    """The body's blocks; its title is the file's own property, else the first heading. Raises Unreadable."""
    if data.startswith(OLD):
        raise Unreadable("it is encrypted, or of an older Word than 2007")
    try:
        _bound(data)
        word = docx.Document(io.BytesIO(data))
    except (zipfile.BadZipFile, OpcError, KeyError, ValueError, EOFError, SyntaxError) as error:
        raise Unreadable("it is damaged, or no Word file") from error
    found = list(_joined(_blocks(word)))
    if not found:
        raise Unreadable("it holds no text")
    return Parsed(found, line(word.core_properties.title or "") or first_heading(found))


def _bound(data: bytes) -> None:
    """Raises Unreadable where it would be too large once unpacked; no part gives more than it says."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    xml = [part.file_size for part in parts if part.filename.lower().endswith((".xml", ".rels"))]
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES or max(xml, default=0) > MOST_XML:
        raise Unreadable("it is larger than is read once it is unpacked")


def _blocks(word: WordDocument) -> Iterator[tuple[Block, bool]]:
    """Each block, and whether it is an item of a list."""
    styles = {str(style.style_id): _role(style) for style in word.styles}
    for element in _outermost(word.element.body, {PARAGRAPH, TABLE}):
        if element.tag == TABLE:
            rows = ([_words(cell) for cell in _outermost(row, {CELL})] for row in _outermost(element, {ROW}))
            yield from ((block, False) for block in table(rows))
        elif text := clean(_words(element)).strip():
            yield _paragraph(element, text, styles)


def _paragraph(element: Any, text: str, styles: dict[str, str]) -> tuple[Block, bool]:
    role = styles.get(_value(element, "pStyle"), "")
    if role.isdigit():
        return Block(Kind.HEADING, line(text), int(role)), False
    level = _value(element, "numPr", "ilvl")
    if role == "list" or _value(element, "numPr", "numId") not in {"", "0"}:
        margin = "  " * min(int(level) if level.isdigit() else 0, 8)
        return Block(Kind.LIST, f"{margin}- {line(text)}"), True
    return Block(Kind.PARAGRAPH, text), False


def _joined(found: Iterator[tuple[Block, bool]]) -> Iterator[Block]:
    """The blocks, with the items of a list made one."""
    items: list[str] = []
    for block, is_item in found:
        if is_item:
            items.append(block.text)
            continue
        if items:
            yield Block(Kind.LIST, "\n".join(items))
            items = []
        yield block
    if items:
        yield Block(Kind.LIST, "\n".join(items))


def _outermost(element: Any, tags: set[str]) -> Iterator[Any]:
    """The elements of these tags, in whatever they are wrapped, but not in each other."""
    for child in element:
        if child.tag in tags:
            yield child
        elif child.tag not in SKIPPED:
            yield from _outermost(child, tags)


def _words(element: Any) -> str:
    parts: list[str] = []
    for child in element:
        if child.tag == W + "t":
            parts.append(child.text or "")
        elif child.tag in WRITTEN:
            parts.append(WRITTEN[child.tag])
        elif child.tag == PARAGRAPH:
            parts.append(f"{_words(child)} ")
        elif child.tag not in SKIPPED:
            parts.append(_words(child))
    return "".join(parts)


def _role(style: Any) -> str:
    """What paragraphs of a style are: a heading's level as a digit, ``list``, or "" for all others."""
    for _ in range(MOST_STYLES):
        if style is None:
            break
        name = str(style.name or "")
        if found := HEADING.match(name):
            return found[1]
        if name == "Title":
            return "1"
        if name.startswith("List"):
            return "list"
        style = getattr(style, "base_style", None)
    return ""


def _value(element: Any, *path: str) -> str:
    """An attribute ``val`` of a paragraph's properties, "" where there is none."""
    found = element.find("/".join(W + name for name in ("pPr", *path)))
    return "" if found is None else str(found.get(W + "val", ""))

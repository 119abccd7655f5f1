"""Markdown by its own grammar (CommonMark with tables), so that what is code or HTML is not taken for text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gateway.retrieval.readers import html
from gateway.retrieval.readers.encodings import decode
from gateway.retrieval.readers.front_matter import cut_off
from gateway.retrieval.readers.parsed import Parsed, clean, first_heading, table
from gateway.retrieval.types import Block, Kind

#: Marks within a text are parsed up to so many characters: the parser takes the square of some lengths.
MOST_INLINE = 8_000
LISTS = {"bullet_list_open", "ordered_list_open"}
#: What stands in a text for a mark within it.
MARKS = {"softbreak": " ", "hardbreak": "\n"}
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read(data: bytes) -> Parsed:
    """The file's blocks and front matter; its title is the first heading. Raises Unreadable."""
    meta, text = cut_off(decode(data))
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # Blocks first; each text's marks are parsed when it is met, if it is not too long.
    parser.disable("inline")
    found = list(_blocks(parser.parse(clean(text)), MarkdownIt("commonmark").enable("strikethrough")))
    return Parsed(found, first_heading(found), meta)


def _blocks(tokens: Sequence[Token], inline: MarkdownIt) -> Iterator[Block]:
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.type in LISTS or token.type == "table_open":
            end = _end(tokens, place)
            inner = tokens[place + 1 : end]
            yield from table(_rows(inner, inline)) if token.type == "table_open" else _list(tokens[place:end], inline)
            place = end
        else:
            before = tokens[place - 1] if place else None
            yield from _single(token, before, inline)
        place += 1


def _end(tokens: Sequence[Token], start: int) -> int:
    """Where what opens at ``start`` closes."""
    level = tokens[start].level
    return next(place for place in range(start + 1, len(tokens)) if tokens[place].level == level)


def _single(token: Token, before: Token | None, inline: MarkdownIt) -> Iterator[Block]:
    if token.type == "inline":
        text = _text(token, inline).strip()
        if text and before is not None and before.type == "heading_open":
            yield Block(Kind.HEADING, text, int(before.tag[1:]))
        elif text:
            yield Block(Kind.PARAGRAPH, text)
    elif token.type in {"fence", "code_block"} and token.content.strip():
        yield Block(Kind.CODE, token.content.strip("\n"))
    elif token.type == "html_block":
        yield from html.blocks(token.content)


def _list(tokens: Sequence[Token], inline: MarkdownIt) -> Iterator[Block]:
    """A list, with those in it: a line an item, set in by two spaces a level."""
    lines: list[str] = []
    depth, mark = -1, ""
    for token in tokens:
        if token.type in LISTS:
            depth += 1
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            depth -= 1
        elif token.type == "list_item_open":
            mark = f"{token.info}. " if token.info else "- "
        elif text := _item(token, inline):
            lines.append(_set_in(text, depth, mark))
            mark = ""
    if lines:
        yield Block(Kind.LIST, "\n".join(lines))


def _item(token: Token, inline: MarkdownIt) -> str:
    if token.type == "inline":
        return _text(token, inline).strip()
    if token.type == "html_block":
        return "\n".join(block.text for block in html.blocks(token.content))
    return token.content.strip("\n") if token.type in {"fence", "code_block"} else ""


def _set_in(text: str, depth: int, mark: str) -> str:
    margin = "  " * depth
    first, *more = text.splitlines()
    return "\n".join([f"{margin}{mark or '  '}{first}", *(f"{margin}  {line}" for line in more)])


def _rows(tokens: Sequence[Token], inline: MarkdownIt) -> Iterator[list[str]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "inline":
            row.append(_text(token, inline))
        elif token.type == "tr_close":
            yield row
            row = []


def _text(token: Token, inline: MarkdownIt) -> str:
    """The words of a text without its marks: of a link what is shown, of an image what it says instead."""
    if len(token.content) > MOST_INLINE:
        return token.content
    return _shown(inline.parseInline(token.content)[0].children or ())


def _shown(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    for child in tokens:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type == "image":
            parts.append(_shown(child.children or ()))
        elif child.type == "html_inline":
            parts.append("\n" if LINE_BREAK.fullmatch(child.content) else "")
        else:
            parts.append(MARKS.get(child.type, ""))
    return "".join(parts)

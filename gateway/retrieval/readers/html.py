"""HTML as browsers read it: the text that is seen, by headings, paragraphs, lists and tables."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.retrieval.readers.encodings import decode
from gateway.retrieval.readers.html_blocks import Blocks
from gateway.retrieval.readers.parsed import Parsed, first_heading, line
from gateway.retrieval.types import Block, Unreadable

TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
#: Elements that end by themselves, so that many of them are not nested.
ENDING = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "p", "li",
    "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup", "rp", "rt", "html",
    "head", "body",
}  # fmt: skip
#: The parser takes the square of the depth; browsers stop at 512.
DEEPEST = 500
#: What is not seen, or leads elsewhere.
LEFT_OUT = {
    "script", "style", "noscript", "template", "head", "nav", "svg", "math", "iframe", "object", "canvas", "audio",
    "video", "button", "select", "textarea", "dialog",
}  # fmt: skip
HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)


def read(data: bytes) -> Parsed:
    """The page's blocks; its title is the <title>, else the first heading. Raises Unreadable."""
    declared = CHARSET.search(data[:2048])
    tree = _tree(decode(data, declared[1].decode() if declared else ""))
    title = tree.css_first("head > title")
    found = _walk(tree.body)
    return Parsed(found, (line(title.text()) if title else "") or first_heading(found))


def blocks(fragment: str) -> list[Block]:
    """The blocks of a piece of HTML; raises Unreadable."""
    return _walk(_tree(fragment).body)


def _tree(text: str) -> LexborHTMLParser:
    depth = 0
    for closing, name in TAG.findall(text):
        if name.lower() not in ENDING:
            depth = max(depth - 1, 0) if closing else depth + 1
        if depth > DEEPEST:
            raise Unreadable(f"its elements are nested more than {DEEPEST} levels deep")
    return LexborHTMLParser(text)


def _walk(root: LexborNode | None) -> list[Block]:
    """In the page's order, without recursion."""
    found = Blocks()
    pending: list[LexborNode | str] = [root] if root is not None else []
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            found.leave(node)
        elif node.is_text_node:
            found.text(node.text_content or "")
        elif node.is_element_node and _seen(node):
            tag = node.tag or ""
            found.enter(tag, layout=_lays_out(node))
            pending += [tag, *_inner(node)]
    return found.ended()


def _inner(node: LexborNode) -> list[LexborNode]:
    """What is in it, the last first."""
    inner: list[LexborNode] = []
    child = node.child
    while child is not None:
        inner.append(child)
        child = child.next
    return inner[::-1]


def _seen(node: LexborNode) -> bool:
    if node.tag in LEFT_OUT:
        return False
    attributes = node.attributes
    if not attributes:
        return True
    return not (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or HIDDEN.search(attributes.get("style") or "")
    )


def _lays_out(node: LexborNode) -> bool:
    """Whether it is a table that places things on the page, and holds no rows and columns of data."""
    if node.tag != "table":
        return False
    return node.attributes.get("role") == "presentation" or node.css_first("td table, h1, h2, h3, h4") is not None

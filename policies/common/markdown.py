"""Text of callers and records in Markdown, as nothing but text: no link, no image, no HTML, no layout of its own."""

from __future__ import annotations

import re

#: What leads elsewhere, or is made into a link by a renderer that is eager.
LINK = re.compile(r"//|(?<![^\W_])(?:www\.|(?:mailto|xmpp|tel):\S)|\w\.[a-z]{2,}[/?#]\S", re.IGNORECASE)
LEFT_OUT = "(link left out)"
#: Signs of Markdown within a line; a bracket behind a bracket is a link's address; what looks like an entity.
SIGNS = re.compile(r"[\\`*_~\[\]]|(?<=\])\(|&(?=#|\w{1,40};)")
#: What makes a heading, a list or a rule at the beginning of a line.
BEGINNING = re.compile(r"[#+-]|\d{1,9}(?=[.)](?:\s|$))")
HTML = {"<": "&lt;", ">": "&gt;"}


def literal(line: str) -> str:
    """One line of text as Markdown that shows it as it is, but for its links, which are left out."""
    words = (LEFT_OUT if LINK.search(word) else word for word in line.split(" "))
    text = SIGNS.sub(r"\\\g<0>", " ".join(words))
    begun = BEGINNING.match(text)
    if begun:
        at = begun.end() if begun[0].isdigit() else 0
        text = f"{text[:at]}\\{text[at:]}"
    return "".join(HTML.get(character, character) for character in text)

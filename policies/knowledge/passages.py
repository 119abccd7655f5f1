"""Passages as a model is shown them, and as a reply's sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from gateway.contract import Passage
from policies.common.data import block
from policies.common.plain import one_line
from policies.knowledge.citations import NUMBERS
from policies.knowledge.orders import LEFT_OUT, Orders

LONGEST_TITLE, LONGEST_PREVIEW = 200, 200
UNTITLED = "Untitled"
#: A footnote of the document's own, which would pass for a citation.
FOOTNOTE = re.compile(rf"[\[【\uff3b]({NUMBERS}|\s*\d{{1,3}}\s*)[\]】\uff3d]")


def cleaned(passages: Iterable[Passage], orders: Orders, longest: int) -> list[Passage]:
    """The passages as data: without what speaks to the model, without citations of their own, each text of at most
    ``longest`` characters; and without those of which nothing is left."""
    made = []
    for passage in passages:
        text = FOOTNOTE.sub(r"(\1)", orders.without(passage.text[:longest])).strip()
        title = one_line(FOOTNOTE.sub(r"(\1)", orders.without(passage.title)), LONGEST_TITLE)
        if text.replace(LEFT_OUT, "").strip():
            made.append(passage._replace(text=text, title=_title(title)))
    return made


def shown(passages: Sequence[Passage]) -> str:
    """The passages between the markers of data, numbered from 1."""
    parts = (f"[{number}] {passage.title}\n{passage.text}" for number, passage in enumerate(passages, start=1))
    return block("\n\n".join(parts))


def sources(passages: Iterable[Passage]) -> list[dict[str, Any]]:
    """As in a reply; ``content`` is what the model was shown."""
    return [
        {
            "title": passage.title,
            "preview": one_line(passage.text, LONGEST_PREVIEW),
            "content": passage.text,
            "document_type": passage.document_type,
            "category": passage.category,
            "similarity_score": round(passage.score, 4),
        }
        for passage in passages
    ]


def _title(title: str) -> str:
    return title if title.replace(LEFT_OUT, "").strip() else UNTITLED

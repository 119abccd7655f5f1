"""Plain text: paragraphs between blank lines, with front matter where it has one."""

from __future__ import annotations

from gateway.retrieval.readers.encodings import decode
from gateway.retrieval.readers.front_matter import cut_off
from gateway.retrieval.readers.parsed import Parsed, paragraphs


def read(data: bytes) -> Parsed:
    """The file's paragraphs; raises Unreadable."""
    meta, text = cut_off(decode(data))
    return Parsed(paragraphs(text), meta=meta)

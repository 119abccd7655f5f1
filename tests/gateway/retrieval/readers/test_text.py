from __future__ import annotations

from gateway.retrieval.readers.text import read
from gateway.retrieval.types import Block, Kind


def test_paragraphs_keep_their_lines() -> None:
    parsed = read("First\r\nline.\r\n\r\nSecond Größe.".encode("cp1252"))
    assert parsed.blocks == [Block(Kind.PARAGRAPH, "First\nline."), Block(Kind.PARAGRAPH, "Second Größe.")]
    assert (parsed.title, parsed.meta) == ("", {})


def test_front_matter_is_no_text() -> None:
    parsed = read(b"---\ntitle: Named\n---\nText.")
    assert (parsed.meta, parsed.blocks) == ({"title": "Named"}, [Block(Kind.PARAGRAPH, "Text.")])

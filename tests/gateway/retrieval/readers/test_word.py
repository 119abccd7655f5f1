from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.retrieval.readers import WORD, parse
from gateway.retrieval.readers.word import read
from gateway.retrieval.types import Block, Kind, Unreadable
from tests.support.documents import word_body
from tests.support.fakes import PROPERTY


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def texts(body: str) -> list[str]:
    return [block.text for block in read(word_body(body)).blocks]


def test_the_body_in_its_order() -> None:
    document = docx.Document()
    document.add_heading("The whole", 0)
    document.add_heading("Part", 2)
    document.add_paragraph("Words\tand\nmore.")
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Number 2")
    table = document.add_table(2, 2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), ("a", "b", "1", "2\n3"), strict=True):
        cell.text = text
    document.add_paragraph("After.")
    document.core_properties.title = "Named"
    parsed = read(saved(document))
    assert parsed.title == "Named"
    assert parsed.blocks == [
        Block(Kind.HEADING, "The whole", 1),
        Block(Kind.HEADING, "Part", 2),
        Block(Kind.PARAGRAPH, "Words\tand\nmore."),
        Block(Kind.LIST, "- one\n- two"),
        Block(Kind.TABLE, "a | b\n1 | 2 3"),
        Block(Kind.PARAGRAPH, "After."),
    ]


def test_without_a_title_the_first_heading_is_it() -> None:
    document = docx.Document()
    document.core_properties.title = ""
    document.add_heading("Head", 1)
    assert read(saved(document)).title == "Head"


def test_a_style_that_is_based_on_a_heading_is_one() -> None:
    document = docx.Document()
    style = document.styles.add_style("Chapter", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Mine", style="Chapter")
    assert read(saved(document)).blocks == [Block(Kind.HEADING, "Mine", 2)]


def test_styles_that_are_based_on_each_other_end() -> None:
    document = docx.Document()
    one, two = (document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH) for name in ("A", "B"))
    one.base_style, two.base_style = two, one
    document.add_paragraph("Text", style="A")
    assert read(saved(document)).blocks == [Block(Kind.PARAGRAPH, "Text")]


def test_items_are_set_in_by_their_level() -> None:
    item = (
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="{}"/><w:numId w:val="{}"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>'
    )
    body = item.format(0, 3) + item.format(1, 3) + item.format(0, 0)
    assert read(word_body(body)).blocks == [Block(Kind.LIST, "- x\n  - x"), Block(Kind.PARAGRAPH, "x")]


def test_content_in_controls_insertions_and_links_is_there_and_what_was_deleted_is_not() -> None:
    body = (
        f"<w:sdt><w:sdtContent>{paragraph('control')}</w:sdtContent></w:sdt>"
        "<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:hyperlink><w:r><w:t> link</w:t></w:r>"
        "</w:hyperlink></w:p>"
    )
    assert texts(body) == ["control", "new link"]


def test_no_entity_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    doctype = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    assert "canary" not in str(read(word_body(paragraph("see &x; here"), doctype)).blocks)


def test_entities_do_not_grow() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    with pytest.raises(Unreadable, match="it is damaged"):
        read(word_body(paragraph("&e9;"), f'<!DOCTYPE d [<!ENTITY e0 "ha">{entities}]>'))


def archive(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return out.getvalue()


BROKEN = {
    "not a zip": (b"PK\x03\x04junk", "it is damaged, or no Word file"),
    "another zip": (archive("x.txt", b"x"), "it is damaged, or no Word file"),
    "old or locked": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "it is encrypted, or of an older Word than 2007",
    ),
    "bomb": (archive("word/document.xml", b" " * 20_000_000), "it is larger than is read once it is unpacked"),
    "no text": (word_body("<w:p/>"), "it holds no text"),
    "deep": (word_body("<w:sdt>" * 5_000), "it is damaged, or no Word file"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_can_not_be_read_is_named(name: str) -> None:
    data, reason = BROKEN[name]
    with pytest.raises(Unreadable) as error:
        read(data)
    assert str(error.value) == reason


def test_a_part_that_is_larger_than_it_says_is_not_read() -> None:
    """The sizes that are checked are the archive's own words; they bound what is unpacked."""
    true = archive("word/document.xml", b"<a>" + b" " * 100_000 + b"</a>")
    lied = true.replace((100_007).to_bytes(4, "little"), (7).to_bytes(4, "little"))
    assert lied != true
    with pytest.raises(Unreadable, match="it is damaged"):
        read(lied)


@settings(PROPERTY, max_examples=40)
@given(st.data())
def test_a_damaged_file_is_read_or_named(data: st.DataObject) -> None:
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        parse(bytes(whole), WORD)


WHOLE = word_body(paragraph("text"))

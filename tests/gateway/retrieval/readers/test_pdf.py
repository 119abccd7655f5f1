from __future__ import annotations

import io
import zlib
from contextlib import suppress

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.retrieval.readers import PDF, parse
from gateway.retrieval.readers import pdf as reader
from gateway.retrieval.types import Unreadable
from tests.support import documents
from tests.support.documents import CATALOG, FONT, pdf_pages, stream
from tests.support.fakes import PROPERTY

PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"


def locked(password: str, algorithm: str) -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(pdf_pages(["Open to all"])))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_in_their_order_with_words_made_whole() -> None:
    parsed = reader.read(pdf_pages(["A first line of sales and re-", "newals."], ["Second page."], title="The  title"))
    assert [block.text for block in parsed.blocks] == ["A first line of sales and renewals.", "Second page."]
    assert parsed.title == "The title"


def test_headers_and_page_numbers_are_no_text() -> None:
    pages = [["Handbook", f"Words of page {word}.", str(number)] for number, word in enumerate("abcde")]
    parsed = reader.read(pdf_pages(*pages))
    assert [block.text for block in parsed.blocks] == [f"Words of page {word}." for word in "abcde"]


@pytest.mark.parametrize("title", ["Microsoft Word - Draft", "untitled", "report.docx", ""], ids=repr)
def test_a_title_that_a_program_made_is_none(title: str) -> None:
    assert reader.read(pdf_pages(["text"], title=title)).title == ""


def test_encrypted_files_are_read_only_where_anyone_may() -> None:
    assert reader.read(locked("", "RC4-128")).blocks[0].text == "Open to all"
    for algorithm in ("RC4-128", "AES-256"):
        with pytest.raises(Unreadable, match="^it is encrypted$"):
            reader.read(locked("secret", algorithm))


BOMB = zlib.compress(b"q " * 40_000_000, 9)
BROKEN = {
    "not a PDF": (b"hello", "it is not a PDF file"),
    "cut off": (pdf_pages(["text"])[:150], "it is damaged"),
    "garbage": (b"%PDF-1.7\n" + b"\xff\x00garbage" * 50, "it is damaged"),
    "no text": (pdf_pages([]), "it holds no text (a scan?)"),
    "no pages": (documents.pdf([CATALOG, b"<</Type/Pages/Kids[]/Count 0>>"]), "it holds no text (a scan?)"),
    "bomb": (
        documents.pdf([CATALOG, PAGES, PAGE, stream(BOMB, b"/Filter/FlateDecode"), FONT]),
        "it is larger than is read once it is unpacked",
    ),
    "many marks": (
        documents.pdf([CATALOG, PAGES, PAGE, stream(b"BT /F1 1 Tf " + b"(a) Tj " * 300_000), FONT]),
        "it is larger than is read once it is unpacked",
    ),
    "loop": (
        documents.pdf(
            [CATALOG, b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>", b"<</Type/Pages/Kids[2 0 R]/Parent 2 0 R>>"]
        ),
        "it is damaged",
    ),
    "one page many times": (
        documents.pdf([CATALOG, b"<</Type/Pages/Kids[%s]/Count 9000>>" % (b"3 0 R " * 9000), PAGE, stream(b""), FONT]),
        "it has more than 5000 pages",
    ),
    "nested": (b"%PDF-1.4\n" + b"<<" * 100_000, "it is damaged"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_can_not_be_read_is_named(name: str) -> None:
    data, reason = BROKEN[name]
    with pytest.raises(Unreadable) as error:
        parse(data, PDF)
    assert str(error.value) == reason


def test_a_file_that_takes_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "SECONDS", -1.0)
    with pytest.raises(Unreadable, match="to read"):
        reader.read(pdf_pages(["text"]))


def test_more_text_than_a_document_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_CHARACTERS", 10)
    with pytest.raises(Unreadable, match="more than 10 characters"):
        reader.read(pdf_pages(["123456"], ["123456"]))


@settings(PROPERTY, max_examples=60)
@given(st.data())
def test_a_damaged_file_is_read_or_named(data: st.DataObject) -> None:
    whole = bytearray(pdf_pages(["Some text"], ["More text"], title="T"))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        parse(bytes(whole), PDF)

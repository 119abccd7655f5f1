"""PDF: the text of each page, as far as there is any."""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Iterator

import pypdf
from pypdf.errors import LimitReachedError, PyPdfError

from gateway.retrieval.readers.parsed import Parsed, clean, line, paragraphs
from gateway.retrieval.readers.running import without_running
from gateway.retrieval.types import Unreadable

#: A file beyond any of these is named, not read; pypdf's own limits are for machines that do nothing else.
MOST_PAGES = 5_000
MOST_CHARACTERS = 20_000_000
SECONDS = 120.0
LIMITS = pypdf.get_configuration().with_overwrites(
    maximum_declared_stream_length=32_000_000,
    array_based_stream_maximum_output_length=32_000_000,
    lzw_maximum_output_length=32_000_000,
    run_length_maximum_output_length=32_000_000,
    zlib_maximum_output_length=32_000_000,
    brotli_maximum_output_length=32_000_000,
    stream_decoding_work_maximum_length=64_000_000,
    stream_parsing_work_maximum_count=500_000,
    xform_maximum_invocations_per_extraction=500,
    page_tree_maximum_entries=20_000,
    page_tree_maximum_page_entries=200_000,
)
#: A word that was parted at the end of a line.
HYPHEN = re.compile(r"(?<=[a-z\u00df-\u00ff])-\n(?=[a-z\u00df-\u00ff])")
LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
)
#: Titles that programs put there.
MADE_UP = re.compile(
    r"untitled|microsoft (?:word|powerpoint)|\.(?:docx?|pptx?|indd|tex|dvi|qxd)$|^document\d*$", re.IGNORECASE
)
# Each oddity that it reads past would be a line on the terminal.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def read(data: bytes) -> Parsed:
    """The pages' paragraphs and the file's own title; raises Unreadable."""
    if b"%PDF-" not in data[:1024]:
        raise Unreadable("it is not a PDF file")
    try:
        with pypdf.apply_configuration(LIMITS):
            reader = pypdf.PdfReader(io.BytesIO(data))
            _open(reader)
            found = [block for page in without_running(list(_pages(reader))) for block in paragraphs(page)]
            title = _title(reader)
    except LimitReachedError as error:
        raise Unreadable("it is larger than is read once it is unpacked") from error
    except PyPdfError as error:
        raise Unreadable("it is damaged") from error
    if not found:
        raise Unreadable("it holds no text (a scan?)")
    return Parsed(found, title)


def _open(reader: pypdf.PdfReader) -> None:
    """Unlock a file that anyone may read; raises Unreadable where it takes a password."""
    if not reader.is_encrypted:
        return
    try:
        opened = reader.decrypt("")
    except Exception as error:
        # A way of encryption that needs another library, or one that is none.
        raise Unreadable("it is encrypted") from error
    if not opened:
        raise Unreadable("it is encrypted")


def _pages(reader: pypdf.PdfReader) -> Iterator[str]:
    """The text of each page."""
    deadline = time.monotonic() + SECONDS
    characters = 0
    if len(reader.pages) > MOST_PAGES:
        raise Unreadable(f"it has more than {MOST_PAGES} pages")
    for page in reader.pages:
        page.get_contents()  # raises what extract_text only logs, and then takes for an empty page
        text = page.extract_text()
        characters += len(text)
        if characters > MOST_CHARACTERS:
            raise Unreadable(f"it holds more than {MOST_CHARACTERS} characters")
        if time.monotonic() > deadline:
            raise Unreadable(f"it takes more than {SECONDS:.0f} s to read")
        yield HYPHEN.sub("", clean(text.translate(LIGATURES)))


def _title(reader: pypdf.PdfReader) -> str:
    title = line(str(reader.metadata.get("/Title") or "")) if reader.metadata else ""
    return "" if MADE_UP.search(title) else title

"""Readers of files, one module a format. Each has ``read(data: bytes) -> Parsed``, which raises Unreadable with words
for the summary; its libraries are imported when the first file of its kind is read."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, cast

from gateway.retrieval.readers.parsed import Parsed
from gateway.retrieval.types import Unreadable


class Format(NamedTuple):
    """A kind of file: the module that reads it, and the document type that it has unless it says another one."""

    module: str
    document_type: str


MARKDOWN, TEXT, HTML = Format("markdown", "markdown"), Format("text", "text"), Format("html", "html")
PDF, WORD = Format("pdf", "pdf"), Format("word", "word")
#: By the file name's ending, in lower case.
FORMATS = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": TEXT,
    ".html": HTML,
    ".htm": HTML,
    ".pdf": PDF,
    ".docx": WORD,
}


def parse(data: bytes, form: Format) -> Parsed:
    """The file's text, by its structure; raises Unreadable, whatever the library raised."""
    if not data.strip(b"\0 \t\r\n\f"):
        raise Unreadable("it is empty")
    try:
        parsed = import_module(f"{__name__}.{form.module}").read(data)
    except (Unreadable, ImportError):
        raise
    except (RecursionError, MemoryError) as error:
        raise Unreadable("it is nested too deeply, or too large once unpacked") from error
    except Exception as error:
        # A library meets a file that its authors did not think of: that file is named, and the rest is read.
        raise Unreadable(f"it is damaged ({type(error).__name__})") from error
    return cast("Parsed", parsed)

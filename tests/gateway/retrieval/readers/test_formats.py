from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.retrieval import readers
from gateway.retrieval.readers import FORMATS, TEXT, parse
from gateway.retrieval.readers import text as text_reader
from gateway.retrieval.types import Unreadable


@pytest.mark.parametrize("ending", sorted(FORMATS))
@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\0" * 50], ids=["nothing", "spaces", "zeros"])
def test_an_empty_file_is_named_as_such(ending: str, data: bytes) -> None:
    with pytest.raises(Unreadable, match="^it is empty$"):
        parse(data, FORMATS[ending])


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_every_kind_has_a_reader(ending: str) -> None:
    with pytest.raises(Unreadable, match="^it"):
        parse(b"\0\x01\x02 nothing of the kind", FORMATS[ending])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("C:/secret"), "it is damaged (ZeroDivisionError)"),
        (RecursionError(), "it is nested too deeply, or too large once unpacked"),
        (MemoryError(), "it is nested too deeply, or too large once unpacked"),
        (Unreadable("it is odd"), "it is odd"),
    ],
    ids=["library", "recursion", "memory", "own"],
)
def test_what_a_library_raises_becomes_words(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def fail(_: bytes) -> None:
        raise error

    monkeypatch.setattr(text_reader, "read", fail)
    with pytest.raises(Unreadable) as caught:
        parse(b"text", TEXT)
    assert str(caught.value) == reason


def test_a_library_that_is_missing_is_not_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "__name__", "no.such.package")
    with pytest.raises(ModuleNotFoundError):
        parse(b"text", TEXT)


def test_libraries_are_imported_with_the_first_file_of_their_kind() -> None:
    code = """
import sys
from gateway.retrieval import folder, split
heavy = {"pypdf", "docx", "lxml", "selectolax", "markdown_it", "charset_normalizer", "lancedb", "pyarrow"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
folder.document("x.txt", b"text")
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

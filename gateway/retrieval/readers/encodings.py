"""Bytes of a text file to its characters."""

from __future__ import annotations

import codecs
import re

from gateway.retrieval.types import Unreadable

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
#: So many times more good characters than broken ones make a file UTF-8 that was damaged.
MOSTLY = 20
#: Encodings that old files are in; any other one is a guess gone wrong.
OLD = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "shift_jis", "euc_jp", "gb18030", "big5",
    "euc_kr", "koi8_r", "iso8859_2",
]  # fmt: skip
SAMPLE = 64 * 1024


def decode(data: bytes, declared: str = "") -> str:
    """The text, in the encoding that its mark or ``declared`` says, else in the one that it looks like. Raises
    Unreadable where it is not text."""
    for mark, name in BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], name)
    if b"\0" in data or len(CONTROLS.findall(data[:SAMPLE])) * 100 > len(data[:SAMPLE]):
        raise Unreadable("it is not text")
    return _utf8(data) or _named(data, declared) or _guessed(data)


def _strict(data: bytes, name: str) -> str:
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        text = data.decode(name, "replace")
        if text.count("\ufffd") * MOSTLY > len(text):
            raise Unreadable(f"it is not the {name.upper().removesuffix('-LE').removesuffix('-BE')} it says") from None
    if "\0" in text:
        raise Unreadable("it is not text")
    return text


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return text if beyond_ascii - broken >= MOSTLY * broken else None


def _named(data: bytes, declared: str) -> str | None:
    try:
        name = codecs.lookup(declared).name if declared else ""
        return data.decode(name) if name in {*OLD, "iso8859-1", "iso8859-15", "iso8859-2", "koi8-r"} else None
    except (LookupError, UnicodeDecodeError, ValueError):
        return None


def _guessed(data: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - most files are UTF-8

    best = from_bytes(data[:SAMPLE], cp_isolation=OLD).best()
    guess = "cp1252" if best is None else best.encoding
    # A guess that found no language in it is no better than the most common of the old encodings.
    for name in (guess, "cp1252") if best is not None and best.coherence > 0 else ("cp1252", guess):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    raise Unreadable("its encoding is not known; UTF-8 is read best")

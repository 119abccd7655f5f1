"""The folder whose documents are ingested: its files, and each of them as a document."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gateway.retrieval.readers import FORMATS, parse
from gateway.retrieval.readers.parsed import Parsed, line
from gateway.retrieval.types import Document, Unreadable

GENERAL = "general"
NOT_READ = "not a kind that is read"
LONGEST_TITLE = 200
PIECE = 1024 * 1024


class File(NamedTuple):
    """A file of the folder. ``key`` is its path within it, with ``/``; ``content_hash`` the SHA-256 of its bytes in
    hex; ``refusal`` says why it is not read, and is "" where it may be. A refused file has no hash."""

    key: str
    path: Path
    content_hash: str = ""
    refusal: str = ""

    @property
    def skipped(self) -> bool:
        """Whether it is of no kind that is read: that is counted, and is no failure."""
        return self.refusal == NOT_READ


class FolderError(Exception):
    """A folder that can't be read in full, so that what is missing from it can't be known to be gone; in words."""


def files(root: Path, max_bytes: int) -> Iterator[File]:
    """All files of the folder but hidden ones, by their keys' order; each is read once, piece by piece. Raises
    FolderError."""
    top = root.resolve()
    if not top.is_dir():
        raise FolderError(f"there is no folder {root}")
    for key, path in sorted(_paths(top)):
        yield _file(top, key, path, max_bytes)


def read(file: File, max_bytes: int) -> Document:
    """The file as a document; its hash is of the bytes that were parsed. Raises Unreadable."""
    if file.refusal:
        raise Unreadable(file.refusal)
    try:
        with file.path.open("rb") as opened:
            data = opened.read(max_bytes + 1)
    except OSError as error:
        raise Unreadable(_not_opened(error)) from error
    if len(data) > max_bytes:
        raise Unreadable(_too_large(max_bytes))
    return document(file.key, data)


def document(key: str, data: bytes) -> Document:
    """The document of a file's bytes; raises Unreadable."""
    form = FORMATS.get(PurePosixPath(key).suffix.lower())
    if form is None:
        raise Unreadable(NOT_READ)
    parsed = parse(data, form)
    if not any(block.text.strip() for block in parsed.blocks):
        raise Unreadable("it holds no text")
    first, _, inner = key.partition("/")
    return Document(
        key=key,
        title=_title(key, parsed),
        source=parsed.meta.get("source") or key,
        document_type=parsed.meta.get("type") or form.document_type,
        category=parsed.meta.get("category") or (first if inner else GENERAL),
        content_hash=hashlib.sha256(data).hexdigest(),
        blocks=parsed.blocks,
    )


def _paths(top: Path) -> Iterator[tuple[str, Path]]:
    def fail(error: OSError) -> None:
        raise FolderError(f"a folder in it can't be read: {error.strerror}") from error

    for folder, inner, names in os.walk(top, onerror=fail):
        inner[:] = [name for name in inner if not name.startswith(".")]
        linked = [name for name in inner if Path(folder, name).is_symlink()]  # which os.walk does not follow
        for name in (*names, *linked):
            if not name.startswith("."):
                path = Path(folder, name)
                yield path.relative_to(top).as_posix(), path


def _file(top: Path, key: str, path: Path, max_bytes: int) -> File:
    if path.is_symlink() and path.is_dir():
        return File(_shown(key), path, refusal="it is a link to a folder, and these are not followed")
    if path.suffix.lower() not in FORMATS:
        return File(_shown(key), path, refusal=NOT_READ)
    if _shown(key) != key:
        return File(_shown(key), path, refusal="its name holds characters that can't be shown")
    try:
        refusal = _refusal(top, path, max_bytes)
        return File(key, path, refusal=refusal) if refusal else File(key, path, _hash(path))
    except OSError as error:
        return File(key, path, refusal=_not_opened(error))


def _refusal(top: Path, path: Path, max_bytes: int) -> str:
    status = path.stat()
    if path.is_symlink() and not path.resolve().is_relative_to(top):
        return "it is a link out of the folder"
    if not stat.S_ISREG(status.st_mode):
        return "it is not a file"
    return _too_large(max_bytes) if status.st_size > max_bytes else ""


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while piece := opened.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _too_large(max_bytes: int) -> str:
    return f"it is larger than {max_bytes} bytes"


def _not_opened(error: OSError) -> str:
    return f"it can't be opened: {error.strerror or type(error).__name__}"


def _shown(key: str) -> str:
    """The key without control characters and without bytes that are no UTF-8."""
    return "".join("\ufffd" if unicodedata.category(character) in {"Cc", "Cs"} else character for character in key)


def _title(key: str, parsed: Parsed) -> str:
    words = PurePosixPath(key).stem.replace("_", " ").replace("-", " ")
    title = parsed.meta.get("title") or parsed.title or line(words[:1].upper() + words[1:]) or key
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1].rstrip()}\u2026"

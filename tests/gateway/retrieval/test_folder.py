from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gateway.retrieval import folder
from gateway.retrieval.folder import File, FolderError
from gateway.retrieval.split import split
from gateway.retrieval.types import Kind, Unreadable
from gateway.settings.schema import ChunkSizes

MOST = 1_000
EXAMPLE = Path(__file__).resolve().parents[3] / "config" / "knowledge"


def put(root: Path, key: str, data: bytes | str = "text") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def found(root: Path) -> dict[str, File]:
    return {file.key: file for file in folder.files(root, MOST)}


def test_files_come_by_their_keys_order_and_hidden_ones_do_not(tmp_path: Path) -> None:
    for key in ("b.md", "a.md", "a/z.txt", "a b/c.pdf", ".git/x.md", "a/.hidden.md", "a/.dir/x.md", "ab/ü.HTML"):
        put(tmp_path, key)
    keys = [file.key for file in folder.files(tmp_path, MOST)]
    assert keys == sorted(["b.md", "a.md", "a/z.txt", "a b/c.pdf", "ab/ü.HTML"])


def test_the_hash_is_of_the_bytes_alone(tmp_path: Path) -> None:
    data = b"\xff" * 999
    put(tmp_path, "a.md", data)
    put(tmp_path, "other/b.txt", data)
    assert {file.content_hash for file in found(tmp_path).values()} == {hashlib.sha256(data).hexdigest()}
    assert not any(file.refusal for file in found(tmp_path).values())


def test_other_kinds_are_skipped_and_large_files_refused_unread(tmp_path: Path) -> None:
    put(tmp_path, "x.png")
    put(tmp_path, "noending")
    put(tmp_path, "large.md", b"x" * (MOST + 1))
    files = found(tmp_path)
    assert files["x.png"].skipped and files["noending"].skipped
    large = files["large.md"]
    assert (large.refusal, large.skipped, large.content_hash) == (f"it is larger than {MOST} bytes", False, "")
    with pytest.raises(Unreadable, match="larger than"):
        folder.read(large, MOST)


def test_links_lead_nowhere_but_within(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root, "a.md", "inside")
    put(tmp_path, "secret.md", "outside")
    (root / "good.md").symlink_to("a.md")
    (root / "out.md").symlink_to(tmp_path / "secret.md")
    (root / "gone.md").symlink_to("nothing.md")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop.md").symlink_to("loop.md")
    files = found(root)
    assert set(files) == {"a.md", "good.md", "out.md", "gone.md", "loop.md", "folder"}
    assert files["out.md"].refusal == "it is a link out of the folder"
    assert files["folder"].refusal == "it is a link to a folder, and these are not followed"
    assert files["gone.md"].refusal.startswith("it can't be opened")
    assert files["loop.md"].refusal.startswith("it can't be opened")
    assert files["good.md"].content_hash == files["a.md"].content_hash


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")  # to open it would wait forever
    assert found(tmp_path)["pipe.md"].refusal == "it is not a file"


def test_names_that_can_not_be_shown_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "line\nend.md")
    (tmp_path / os.fsdecode(b"latin-\xe9.md")).write_text("x")
    files = found(tmp_path)
    assert set(files) == {"line\ufffdend.md", "latin-\ufffd.md"}
    assert all("can't be shown" in file.refusal for file in files.values())


def test_a_folder_that_is_not_there_or_not_to_be_read_is_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (tmp_path / "none", put(tmp_path, "file.md")):
        with pytest.raises(FolderError, match="there is no folder"):
            list(folder.files(wrong, MOST))
    (tmp_path / "inner").mkdir()
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FolderError, match="Permission denied"):
        list(folder.files(tmp_path, MOST))


def test_a_file_that_can_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = found(put(tmp_path, "a.md").parent)["a.md"]
    file.path.unlink()
    with pytest.raises(Unreadable, match="it can't be opened: No such file"):
        folder.read(file, MOST)


def test_a_file_that_changed_since_has_the_hash_of_what_was_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a.md", "old")
    file = found(tmp_path)["a.md"]
    path.write_text("new")
    assert folder.read(file, MOST).content_hash == hashlib.sha256(b"new").hexdigest()
    path.write_text("x" * (MOST + 1))
    with pytest.raises(Unreadable, match="larger"):
        folder.read(file, MOST)


def test_what_a_file_says_of_itself_counts_before_its_place() -> None:
    said = folder.document(
        "docs/x.md", b"---\ntitle: T\ntype: policy\ncategory: c\nsource: Handbook, p. 3\n---\n# H\n\ntext"
    )
    assert (said.title, said.document_type, said.category, said.source) == ("T", "policy", "c", "Handbook, p. 3")
    silent = folder.document("docs/inner/x.md", b"# H\n\ntext")
    assert (silent.title, silent.document_type, silent.category, silent.source) == (
        "H", "markdown", "docs", "docs/inner/x.md",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "title", "kind"),
    [
        ("call_cadence-2026.txt", "Call cadence 2026", "text"),
        ("x.HTM", "X", "html"),
        ("dir.md/über uns.markdown", "Über uns", "markdown"),
        ("-.md", "-.md", "markdown"),
    ],
    ids=["words", "html", "umlaut", "no-words"],
)
def test_the_file_name_is_the_last_resort_of_a_title(key: str, title: str, kind: str) -> None:
    made = folder.document(key, b"text")
    assert (made.title, made.document_type) == (title, kind)
    assert made.category == (key.partition("/")[0] if "/" in key else "general")


def test_a_title_has_a_length() -> None:
    made = folder.document("x.md", b"# " + b"word " * 200)
    assert len(made.title) <= folder.LONGEST_TITLE and made.title.endswith("word\u2026")


@pytest.mark.parametrize(
    ("key", "data", "reason"),
    [
        ("x.png", b"x", "not a kind that is read"),
        ("x.md", b"", "it is empty"),
        ("x.md", b"---\ntitle: x\n---\n", "it holds no text"),
        ("x.html", b"<script>x</script>", "it holds no text"),
        ("x.txt", b"a\0b", "it is not text"),
    ],
    ids=["kind", "empty", "front-matter-only", "script-only", "binary"],
)
def test_what_holds_nothing_is_named(key: str, data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as error:
        folder.document(key, data)
    assert str(error.value) == reason


def test_the_example_is_read_whole_and_says_what_it_is() -> None:
    files = list(folder.files(EXAMPLE, 100_000))
    documents = [folder.read(file, 100_000) for file in files]
    assert len(documents) >= 18
    assert len({document.category for document in documents}) >= 5
    assert len({document.title for document in documents}) == len(documents)
    for document in documents:
        assert document.category == document.key.partition("/")[0]
        assert document.document_type != "markdown"
        assert all(len(chunk.text) <= ChunkSizes().most for chunk in split(document, ChunkSizes()))
    assert any(block.kind is Kind.TABLE for document in documents for block in document.blocks)

"""Files are read in processes that may end without ending the ingest."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from gateway.retrieval import folder, reading
from gateway.retrieval.reading import Limits, Outcome, read, read_all
from gateway.retrieval.types import Document

LIMITS = Limits(100_000, 900, 1800)


def files(root: Path) -> list[folder.File]:
    return list(folder.files(root, LIMITS.max_bytes))


async def test_files_come_in_their_order_with_chunks_or_a_reason(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"f{number:02}.md").write_text("" if number % 10 == 5 else f"# T{number}\n\nText {number}.")
    outcomes = [(file.key, outcome) async for file, outcome in read_all(files(tmp_path), LIMITS)]
    assert [key for key, _ in outcomes] == [f"f{number:02}.md" for number in range(30)]
    reasons = {key: outcome for key, outcome in outcomes if isinstance(outcome, str)}
    assert reasons == {f"f{number:02}.md": "it is empty" for number in (5, 15, 25)}
    chunks = outcomes[7][1]
    assert not isinstance(chunks, str)
    assert (chunks[0].text, chunks[0].title) == ("Text 7.", "T7")


def kill_at_bad(file: folder.File, limits: Limits) -> Outcome:
    if file.key == "bad.md":
        os.kill(os.getpid(), signal.SIGKILL)
    return read(file, limits)


async def test_a_file_that_ends_its_process_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "bad", "c", "d"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n\nText.")
    monkeypatch.setattr(reading, "read", kill_at_bad)
    outcomes = {file.key: outcome async for file, outcome in read_all(files(tmp_path), LIMITS)}
    assert outcomes.pop("bad.md") == reading.ENDED
    assert set(outcomes) == {"a.md", "c.md", "d.md"}
    assert not any(isinstance(outcome, str) for outcome in outcomes.values())


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (MemoryError(), "reading it needs too much memory"),
        (KeyError("secret"), "it can't be read (KeyError)"),
        (RecursionError(), "it can't be read (RecursionError)"),
    ],
    ids=["memory", "key", "recursion"],
)
def test_what_a_library_raises_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, reason: str
) -> None:
    def fail(file: folder.File, max_bytes: int) -> Document:
        raise raised

    (tmp_path / "a.md").write_text("text")
    monkeypatch.setattr(folder, "read", fail)
    assert read(files(tmp_path)[0], LIMITS) == reason


def test_a_file_that_takes_too_long_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(file: folder.File, max_bytes: int) -> Document:
        while True:
            time.sleep(0.01)

    (tmp_path / "a.md").write_text("text")
    monkeypatch.setattr(folder, "read", hang)
    monkeypatch.setattr(reading, "SECONDS", 1)
    assert read(files(tmp_path)[0], LIMITS) == "reading it took longer than 1 s"


async def test_a_process_that_ends_while_nobody_waits_for_it_costs_its_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3 * reading.AHEAD):
        (tmp_path / f"f{number:03}.md").write_text(f"# T{number}\n\nText.")
    (tmp_path / "bad.md").write_text("# Bad")
    monkeypatch.setattr(reading, "read", kill_at_bad)
    outcomes = {}
    async for file, outcome in read_all(files(tmp_path), LIMITS):
        outcomes[file.key] = outcome
        await asyncio.sleep(0.5 if len(outcomes) == 1 else 0)  # as a commit to a store takes
    assert outcomes.pop("bad.md") == reading.ENDED
    assert len(outcomes) == 3 * reading.AHEAD
    assert not any(isinstance(outcome, str) for outcome in outcomes.values())

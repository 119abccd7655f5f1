"""What is shown of an ingest's progress."""

from __future__ import annotations

import io

import pytest

from gateway.retrieval import progress
from gateway.retrieval.progress import Bar, Lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_a_file_lines() -> None:
    assert isinstance(progress.progress(Terminal()), Bar)
    assert isinstance(progress.progress(io.StringIO()), Lines)


def test_lines_tell_where_a_part_begins_and_ends() -> None:
    stream = io.StringIO()
    shown = Lines(stream)
    shown.begin("reading", 3)
    shown.advance()
    shown.advance(2)
    shown.begin("embedding", 0)
    shown.end()
    assert stream.getvalue() == "reading: 0 of 3\nreading: 3 of 3\nembedding: 0 of 0\n"


def test_lines_in_between_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    now = 100.0
    monkeypatch.setattr("gateway.retrieval.progress.time.monotonic", lambda: now)
    shown = Lines(stream)
    shown.begin("reading", 100)
    for _ in range(50):
        now += 1.0
        shown.advance()
    assert len(stream.getvalue().splitlines()) == 1 + 50 // 10


def test_a_bar_is_drawn() -> None:
    stream = Terminal()
    shown = Bar(stream)
    shown.begin("reading", 4)
    shown.advance(4)
    shown.end()
    shown.advance()
    assert "reading: 100%" in stream.getvalue()
    assert "4/4" in stream.getvalue()

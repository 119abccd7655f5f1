"""The bench of retrieval, small: it fills, asks, writes on and judges."""

from __future__ import annotations

import subprocess
import sys

from bench.retrieval.speed import Row
from bench.retrieval.writer import PER_DOCUMENT, Texts
from tests.support.gateway import ROOT


def test_texts_are_the_same_for_the_same_seed_and_no_two_are_alike() -> None:
    first, again = Texts(1).documents(0, 5), Texts(1).documents(0, 5)
    assert first == again
    chunks = [chunk for document in first.values() for chunk in document]
    assert len({chunk.text_hash for chunk in chunks}) == len({chunk.id for chunk in chunks}) == 5 * PER_DOCUMENT
    assert Texts(2).documents(0, 5) != first


def test_a_row_shows_percentiles() -> None:
    row = str(Row("name", [float(number) for number in range(1, 101)], [1.0, 2.0], 10.0))
    assert row.split() == ["name", "10.0", "50.0", "95.0", "99.0", "2.0", "2.0"]


def test_it_runs_from_end_to_end() -> None:
    command = [sys.executable, "-m", "bench.retrieval.speed", "--chunks", "200", "--seconds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "200 chunks, 200 embedded" in done.stdout
    assert done.stdout.count("callers") + done.stdout.count("at once") == 3
    assert "p95 at the stated pace" in done.stdout

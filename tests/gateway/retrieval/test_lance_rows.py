"""A chunk becomes a row, and the row the chunk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.retrieval.lance_rows import chunk_of, chunk_row, text_key
from tests.support.index import chunk


@pytest.mark.parametrize("text", ["", "a", "text", "Title\n\ntext", "no part of it", "naïve 日本 \U0001f600"])
def test_a_chunk_survives(text: str) -> None:
    made = replace(chunk("d", 3, "Title\n\ntext"), text=text)
    row = chunk_row(2, made)
    assert chunk_of(row["body"]) == made
    assert (row["slot"], row["text_hash"]) == ("2:d", made.text_hash)


def test_a_text_stands_in_a_row_once_besides_its_index() -> None:
    made = replace(chunk("d", 0, "Title\n\n" + "x" * 1000), text="x" * 1000)
    assert len(chunk_row(0, made)["body"]) < 1500


def test_numbers_of_texts_fit_and_differ() -> None:
    numbers = {text_key(str(n)) for n in range(2000)}
    assert len(numbers) == 2000
    assert 0 <= min(numbers) <= max(numbers) < 2**60

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.trie import Part, Trie
from tests.support.fakes import PROPERTY


def row(text: str) -> list[Part]:
    """``a b|c 3 d``: a, then b or c, then up to three words, then d."""
    return [
        int(item) if item.isdigit() else [tuple(way.split("+")) for way in item.split("|")] for item in text.split()
    ]


def found(rows: Sequence[str], line: str) -> list[tuple[int, int, int, int]]:
    return sorted(Trie(row(text) for text in rows).hits(line.split()))


@pytest.mark.parametrize(
    ("rows", "line", "expected"),
    [
        (["a"], "b a a", [(0, 1, 1, 2), (0, 1, 2, 3)]),
        (["a b", "a", "b c"], "a b c", [(0, 2, 0, 2), (1, 1, 0, 1), (2, 2, 1, 3)]),
        (["a|b c"], "b c", [(0, 2, 0, 2)]),
        (["a|b+d c"], "b d c", [(0, 3, 0, 3)]),
        (["a 2 b"], "a b", [(0, 2, 0, 2)]),
        (["a 2 b"], "a x y b", [(0, 2, 0, 4)]),
        (["a 2 b"], "a x y z b", []),
        (["a 2 b", "a 4 b"], "a x y z b", [(1, 2, 0, 5)]),
        (["a 2 b"], "a x , b", []),
        (["a b"], "a . b", []),
        (["a 2 b"], "a b b", [(0, 2, 0, 2), (0, 2, 0, 3)]),
        (["a 1 b 1 c"], "a x b y c", [(0, 3, 0, 5)]),
        (["a", "a"], "a", [(0, 1, 0, 1), (1, 1, 0, 1)]),
        ([], "a", []),
        (["a"], "", []),
    ],
)
def test_rows_are_found(rows: list[str], line: str, expected: list[tuple[int, int, int, int]]) -> None:
    assert found(rows, line) == expected


@pytest.mark.parametrize(
    ("rows", "same"),
    [(["a b", "a c"], set()), (["a b|c", "a c|d"], {(0, 1)}), (["a", "b", "b"], {(1, 2)}), (["a 1 b", "a 2 b"], set())],
)
def test_rows_with_a_form_in_common_are_named(rows: list[str], same: set[tuple[int, ...]]) -> None:
    assert Trie(row(text) for text in rows).same == same


def naive(parts: Sequence[Part], line: Sequence[str], at: int) -> set[int]:
    """Where a row that begins at ``at`` may end, by trying everything."""
    if not parts:
        return {at}
    first, *rest = parts
    if isinstance(first, int):
        widths = range(next((n for n in range(first) if at + n >= len(line) or line[at + n] == ","), first) + 1)
        return {end for width in widths for end in naive(rest, line, at + width)}
    return {
        end
        for words in first
        if tuple(line[at : at + len(words)]) == words
        for end in naive(rest, line, at + len(words))
    }


WORD = st.sampled_from("abc")
WORDS = st.lists(st.lists(WORD, min_size=1, max_size=2).map(tuple), min_size=1, max_size=2)
ROW = st.builds(
    lambda first, rest: [first, *(p for pair in rest for p in pair)],
    WORDS,
    st.lists(st.tuples(st.integers(1, 3), WORDS) | st.tuples(WORDS), max_size=3),
)


@PROPERTY
@given(st.lists(ROW, max_size=4), st.lists(st.sampled_from("abc,"), max_size=10))
def test_what_is_found_is_what_trying_everything_finds(rows: list[list[Part]], line: list[str]) -> None:
    expected = {
        (place, start, end)
        for place, parts in enumerate(rows)
        for start in range(len(line))
        for end in naive(parts, line, start)
    }
    assert {(hit.row, hit.start, hit.end) for hit in Trie(rows).hits(line)} == expected


def test_gaps_and_repetition_do_not_multiply() -> None:
    """Ways to match that are not counted once a word would be more than 4 to the power of 30 here."""
    trie = Trie([row("a 3 " * 30 + "b")])
    began = time.process_time()
    assert not list(trie.hits(["a"] * 500))
    assert time.process_time() - began < 30

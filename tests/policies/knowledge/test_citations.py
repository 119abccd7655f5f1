from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.knowledge.citations import Citations
from tests.support.fakes import PROPERTY


def cited(text: str, passages: int = 3, size: int = 1000) -> tuple[str, list[int]]:
    citations = Citations(passages)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    said = "".join(citations.hear(piece) for piece in pieces) + citations.hear("", last=True)
    return said, citations.cited


CASES = [
    ("It is 15% [1].", "It is 15% [1].", [1]),
    ("It is 15% [2] and 5 days [1].", "It is 15% [1] and 5 days [2].", [2, 1]),
    ("Twice [3], and again [3].", "Twice [1], and again [1].", [3]),
    ("No such passage [4].", "No such passage.", []),
    ("Some of them [1, 9, 2].", "Some of them [1][2].", [1, 2]),
    ("Ranges [1-3].", "Ranges [1][2][3].", [1, 2, 3]),
    ("Side by side [3][1].", "Side by side [1][2].", [3, 1]),
    ("Other brackets 【2】.", "Other brackets [1].", [2]),
    ("Not a citation: [x], [], [0], [2024], a[12345], [ 1 2 ].",
     "Not a citation: [x], [], [0], [2024], a[12345], [ 1 2 ].", []),
    ("Spaces  stay   as they are ", "Spaces  stay   as they are ", []),
    ("Open at the end [1", "Open at the end [1", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said", "numbers"), CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_citations_are_numbered_as_they_come_and_those_of_nothing_go(
    text: str, said: str, numbers: list[int], size: int
) -> None:
    assert cited(text, size=size) == (said, numbers)


def test_of_no_passages_none_can_be_cited() -> None:
    assert cited("Gap: nothing [1][2].", passages=0) == ("Gap: nothing.", [])


def test_a_number_that_stands_by_itself_counts_too() -> None:
    citations = Citations(3)
    assert [citations.number(number) for number in (2, 4, 1, 2, 0)] == [1, None, 2, 1, None]
    assert citations.hear("As said [2].", last=True) == "As said [1]."


def test_text_is_given_on_as_soon_as_it_can_be_no_citation() -> None:
    citations = Citations(3)
    assert citations.hear("It is so ") == "It is so"
    assert citations.hear("[") == ""
    assert citations.hear("see") == " [see"


@PROPERTY
@given(st.lists(st.text(alphabet="[]123, -a【】", max_size=6), max_size=10))
def test_however_a_text_is_cut_the_same_comes_out(pieces: list[str]) -> None:
    citations = Citations(3)
    said = "".join(citations.hear(piece) for piece in pieces) + citations.hear("", last=True)
    assert (said, citations.cited) == cited("".join(pieces))
    assert citations.cited == list(dict.fromkeys(citations.cited))

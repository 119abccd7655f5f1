from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.knowledge.gap import GapGate, as_gap, is_gap
from tests.support.fakes import PROPERTY

GAPS = {
    "Gap: not there.": "Gap: not there.",
    "gap: not there.": "Gap: not there.",
    "GAP : not there.": "Gap: not there.",
    "  \n**Gap:** not there.": "Gap: not there.",
    "**Gap**: not there.": "Gap: not there.",
    "> Gap: not there.": "Gap: not there.",
    '"Gap: not there."': 'Gap: not there."',
    "Gap:": "Gap: ",
}
ANSWERS = [
    "Gaps are filled within a week.",
    "The gap: none.",
    "Gap analysis comes first.",
    "G",
    "Ga",
    "",
    "**Bold**",
    "Gap",
]


def heard(pieces: list[str]) -> tuple[str, bool | None]:
    gate = GapGate()
    text = "".join(gate.hear(piece) for piece in pieces) + gate.hear("", last=True)
    return text, gate.is_gap


@pytest.mark.parametrize("said", GAPS)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_gap_is_heard_however_it_is_set_and_cut(said: str, size: int) -> None:
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    text, gap = heard(pieces)
    assert (text.split(), gap) == (GAPS[said].split(), True)
    assert is_gap(said)


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_an_answer_passes_as_it_is(said: str, size: int) -> None:
    assert heard([said[at : at + size] for at in range(0, len(said), size)]) == (said, False)
    assert not is_gap(said)


def test_only_the_beginning_is_held_back() -> None:
    gate = GapGate()
    assert gate.hear("G") == ""
    assert gate.is_gap is None
    assert gate.hear("rowth costs ") == "Growth costs "
    assert gate.hear("ga") == "ga"


@PROPERTY
@given(st.lists(st.text(alphabet="Gap: *\nx", max_size=4), max_size=8))
def test_what_is_no_gap_comes_out_whole(pieces: list[str]) -> None:
    text, gap = heard(pieces)
    assert text.startswith("Gap:") if gap else text == "".join(pieces)


@pytest.mark.parametrize(
    ("text", "made"), [("not there", "Gap: not there"), ("**Gap:** no", "Gap: no"), ("Gap:", "Gap:")]
)
def test_any_text_can_be_said_as_a_gap(text: str, made: str) -> None:
    assert as_gap(text) == made

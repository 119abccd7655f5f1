from __future__ import annotations

import pytest

from gateway.contract import Passage
from policies.knowledge.quotes import listed, quotes

REFUNDS = (
    "Our terms are fair. Discounts over 15% need a manager. A refund takes 5 business days. "
    "It goes to the same card. Questions go to billing."
)


def passage(text: str) -> Passage:
    return Passage("t", text, "s", "policy", "c", 0.9)


def quoted(query: str, text: str, longest: int = 60) -> str:
    return quotes(query, [passage(text)], longest)[0]


@pytest.mark.parametrize(
    ("query", "begins"),
    [
        ("How long do refunds take?", "A refund takes 5 business days."),
        ("Who approves discounts?", "Discounts over 15% need a manager."),
        ("Which card?", "It goes to the same card."),
        ("Something else entirely", "Our terms are fair."),
    ],
)
def test_a_quotation_begins_with_the_sentence_that_fits_the_question(query: str, begins: str) -> None:
    assert quoted(query, REFUNDS).startswith(begins)


def test_what_follows_the_sentence_comes_along_as_far_as_there_is_room() -> None:
    assert quoted("refund", REFUNDS) == "A refund takes 5 business days. It goes to the same card."
    assert quoted("refund", REFUNDS, 40) == "A refund takes 5 business days."


def test_a_row_of_a_table_is_found() -> None:
    table = "Plan | Price\nStarter | 19\nGrowth | 49\nScale | 99"
    assert quoted("What does Growth cost?", table, 12) == "Growth | 49"
    assert quoted("What does Growth cost?", table) == "Growth | 49\nScale | 99"


def test_a_sentence_without_end_is_cut() -> None:
    assert 0 < len(quoted("refund", "refund " * 1000)) <= 60


def test_what_was_left_out_is_not_quoted() -> None:
    assert quoted("refund", "A refund takes 5 days. […]") == "A refund takes 5 days."


def test_each_quotation_cites_its_passage() -> None:
    assert listed(["One.", "Two."], str) == "- One. [1]\n- Two. [2]"
    assert listed(["*One*\n*Two*"], lambda line: line.strip("*")) == "- One  \n  Two [1]"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.tokens import clipped, estimate
from tests.support.fakes import PROPERTY


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("é", 1), ("éé", 2), ("你好", 2), ("🙂", 2), ("\ud800", 1)],
)
def test_a_token_is_three_bytes_rounded_up(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


@PROPERTY
@given(st.text(), st.text())
def test_texts_together_never_cost_more_than_alone(one: str, other: str) -> None:
    together, apart = estimate(one + other), estimate(one) + estimate(other)
    assert max(estimate(one), estimate(other)) <= together <= apart <= together + 1


@pytest.mark.parametrize("text", ["", "short", "a" * 1000, "é" * 500, "你好" * 200, "🙂" * 300])
@pytest.mark.parametrize("budget", [0, 1, 5, 50, 10_000])
def test_what_is_clipped_goes_into_the_budget_and_says_that_it_is_not_all(text: str, budget: int) -> None:
    kept = clipped(text, budget)
    if estimate(text) <= budget:
        assert kept == text
    else:
        assert kept.endswith("…") and text.startswith(kept[:-1])
        assert estimate(kept) <= max(1, budget)

"""Percentiles, rounds that are compared with each other, ratios."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Rounds, cell, gain, percentile, ratio
from bench.load import Result
from tests.support.fakes import PROPERTY


def result(done: int, seconds: float, latency: list[int], failed: int = 0) -> Result:
    return Result(
        done=done, failed=failed, error="odd" if failed else "", seconds=seconds, latency=latency, first=latency
    )


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5], 0.5, 5), ([1, 2, 3, 4], 0.5, 2), (list(range(1, 101)), 0.99, 99), ([3, 1, 2], 1.0, 3), ([3, 1, 2], 0.0, 1)],
)
def test_a_percentile_is_a_value_that_was_seen(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@PROPERTY
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_no_smaller_value_covers_the_share(values: list[int], share: float) -> None:
    found = percentile(values, share)
    covered = sum(value <= found for value in values) / len(values)
    below = sum(value < found for value in values) / len(values)
    assert below < share + 1e-6
    assert covered >= share - 1e-6


def test_nothing_seen_is_no_figure() -> None:
    assert math.isnan(percentile([], 0.5))
    assert math.isnan(ratio(1, 0))


def test_added_latency_is_beyond_the_provider_in_the_same_round() -> None:
    """The machine is twice as slow in the second round, for both."""
    provider = Rounds([result(10, 1, [100] * 10), result(10, 1, [200] * 10)])
    target = Rounds([result(10, 1, [1100] * 10), result(10, 1, [2200] * 10)], [0.01, 0.03])
    found = cell(target, provider)
    assert found.added_p50_ms == pytest.approx(1.5)
    assert found.added_p99_ms == pytest.approx(2.0)
    assert found.cpu_ms == pytest.approx(2.0)
    assert (found.failed, found.error) == (0, "")


def test_failures_are_told() -> None:
    provider = Rounds([result(1, 1, [100])])
    found = cell(Rounds([result(1, 1, [200], failed=3)], [0.4]), provider)
    assert (found.failed, found.error) == (3, "odd")
    assert found.cpu_ms == pytest.approx(100)


def test_a_gain_is_taken_round_by_round() -> None:
    """Drift: everything runs at a third of its rate in two rounds of five."""
    pace = [1.0, 1 / 3, 1.0, 1 / 3, 1.0]
    ours = Rounds([result(1000, 1 / one, []) for one in pace])
    theirs = Rounds([result(100, 1 / one, []) for one in pace])
    assert gain({"gateway": ours, "litellm": theirs}, "gateway", "litellm") == pytest.approx(10)


def test_a_gain_over_who_was_not_there_or_did_nothing_is_none() -> None:
    ours = Rounds([result(1000, 1, [])])
    assert math.isnan(gain({"gateway": ours}, "gateway", "portkey"))
    assert math.isnan(gain({"gateway": ours, "portkey": Rounds([result(0, 1, [])])}, "gateway", "portkey"))

from __future__ import annotations

import pytest

from gateway.settings.schema import Breaker
from gateway.upstream.laggards import TRIAL_SECONDS, Laggards
from tests.support.fakes import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


def laggards(clock: Clock) -> Laggards:
    return Laggards(Breaker(errors=3, open_seconds=10), clock)


def test_some_losses_in_a_row_and_it_is_asked_last(clock: Clock) -> None:
    made = laggards(clock)
    found = []
    for _ in range(4):
        found.append(made.asked_last("a"))
        made.lost("a")
    assert found == [False, False, False, True]
    assert not made.asked_last("b")


def test_one_that_was_in_time_begins_anew(clock: Clock) -> None:
    made = laggards(clock)
    for _ in range(2):
        made.lost("a")
    made.spoke("a")
    made.lost("a")
    assert not made.behind("a")


def test_after_a_while_one_request_finds_out_and_the_others_wait_for_it(clock: Clock) -> None:
    made = laggards(clock)
    for _ in range(3):
        made.lost("a")
    clock.advance(10)
    assert [made.asked_last("a") for _ in range(3)] == [False, True, True]
    clock.advance(TRIAL_SECONDS)
    assert [made.asked_last("a") for _ in range(2)] == [False, True]
    made.lost("a")
    clock.advance(9)
    assert made.asked_last("a")
    made.spoke("a")
    assert not made.asked_last("a")

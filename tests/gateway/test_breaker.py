from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.breaker import Breaker, Token
from gateway.settings.schema import Breaker as Settings
from tests.support.fakes import PROPERTY, Clock

SETTINGS = Settings(errors=5, window_seconds=30, open_seconds=20)


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def changes() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[tuple[str, str, str]]) -> Breaker:
    return Breaker("m", SETTINGS, lambda *change: changes.append(change), clock)


def token(breaker: Breaker) -> Token:
    given = breaker.acquire()
    assert given is not None
    return given


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.failure(token(breaker))


@pytest.fixture
def half_open(breaker: Breaker, clock: Clock) -> Breaker:
    fail(breaker, 5)
    clock.advance(20)
    return breaker


def test_five_errors_open_it_and_four_do_not(breaker: Breaker) -> None:
    fail(breaker, 4)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"
    assert breaker.acquire() is None


def test_successes_in_between_hide_nothing(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.success(token(breaker))
        fail(breaker)
    assert breaker.state == "open"


@pytest.mark.parametrize(("gap", "state"), [(7.4, "open"), (7.5, "closed")])
def test_only_errors_within_the_window_count(breaker: Breaker, clock: Clock, gap: float, state: str) -> None:
    for _ in range(4):
        fail(breaker)
        clock.advance(gap)
    fail(breaker)
    assert breaker.state == state


def test_it_stays_open_for_its_time_and_says_how_long(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 5)
    assert breaker.seconds_left == 20
    clock.advance(19.9)
    assert breaker.acquire() is None
    assert breaker.seconds_left == pytest.approx(0.1)
    clock.advance(0.1)
    assert breaker.seconds_left == 0
    assert breaker.acquire() is not None


def test_one_probe_at_a_time(half_open: Breaker) -> None:
    given = [half_open.acquire() for _ in range(50)]
    assert [bool(one) for one in given] == [True] + [False] * 49


def test_as_many_probes_as_configured(clock: Clock) -> None:
    breaker = Breaker("m", SETTINGS.model_copy(update={"probes": 3}), clock=clock)
    fail(breaker, 5)
    clock.advance(20)
    assert sum(breaker.acquire() is not None for _ in range(50)) == 3


def test_a_probe_that_succeeds_closes_it_with_a_clean_window(half_open: Breaker) -> None:
    half_open.success(token(half_open))
    assert (half_open.state, half_open.errors) == ("closed", 0)
    fail(half_open, 4)
    assert half_open.state == "closed"


def test_a_probe_that_fails_opens_it_for_the_full_time_again(half_open: Breaker, clock: Clock) -> None:
    probe = token(half_open)
    clock.advance(5)
    half_open.failure(probe)
    assert (half_open.state, half_open.seconds_left) == ("open", 20)
    clock.advance(19.9)
    assert half_open.acquire() is None


def test_a_released_probe_makes_room_for_another_and_decides_nothing(half_open: Breaker) -> None:
    half_open.release(token(half_open))
    assert half_open.state == "half-open"
    assert half_open.acquire() is not None
    assert half_open.acquire() is None


@pytest.mark.parametrize("how", ["success", "failure", "release"])
def test_a_token_of_an_earlier_state_counts_for_nothing(breaker: Breaker, clock: Clock, how: str) -> None:
    old = token(breaker)
    fail(breaker, 5)
    clock.advance(20)
    probe = token(breaker)
    getattr(breaker, how)(old)
    assert breaker.state == "half-open"
    assert breaker.acquire() is None, "the old token freed the probe's place"
    breaker.success(probe)
    assert breaker.state == "closed"


def test_a_late_failure_does_not_count_after_it_has_closed_again(half_open: Breaker, clock: Clock) -> None:
    half_open.success(token(half_open))
    late = token(half_open)
    fail(half_open, 5)
    clock.advance(20)
    half_open.success(token(half_open))
    half_open.failure(late)
    assert half_open.errors == 0


def test_a_token_settles_once(breaker: Breaker) -> None:
    once = token(breaker)
    for _ in range(10):
        breaker.failure(once)
    assert breaker.errors == 1


def test_a_probe_released_twice_frees_one_place(half_open: Breaker) -> None:
    probe = token(half_open)
    half_open.release(probe)
    token(half_open)
    half_open.release(probe)
    assert half_open.acquire() is None


def test_each_change_is_told_once(half_open: Breaker, clock: Clock, changes: list[Any]) -> None:
    half_open.failure(token(half_open))
    clock.advance(20)
    half_open.success(token(half_open))
    steps = [("closed", "open"), ("open", "half-open"), ("half-open", "open"), ("open", "half-open")]
    assert changes == [("m", old, new) for old, new in [*steps, ("half-open", "closed")]]


class BreakerModel(RuleBasedStateMachine):
    """The breaker against the rules in their plainest form."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker("m", Settings(errors=3, window_seconds=30, open_seconds=20), clock=self.clock)
        self.state = "closed"
        self.era = 0
        self.errors: list[float] = []
        self.opened = 0.0
        self.held: list[tuple[Token, int, bool]] = []

    def enter(self, state: str) -> None:
        self.state, self.era = state, self.era + 1
        self.errors = []

    @rule(seconds=st.sampled_from([0.0, 0.5, 5.0, 10.0, 19.5, 20.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def acquire(self) -> None:
        given = self.breaker.acquire()
        if self.state == "open" and self.clock.now >= self.opened + 20:
            self.enter("half-open")
        probing = any(era == self.era and probe for _, era, probe in self.held)
        expected = self.state == "closed" or (self.state == "half-open" and not probing)
        assert (given is not None) == expected
        if given:
            self.held.append((given, self.era, self.state == "half-open"))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), how=st.sampled_from(["success", "failure", "failure", "release"]), again=st.booleans())
    def settle(self, data: st.DataObject, how: str, again: bool) -> None:
        at = data.draw(st.integers(0, len(self.held) - 1))
        held, era, probe = self.held.pop(at)
        getattr(self.breaker, how)(held)
        if again:
            self.breaker.failure(held)
        if era != self.era or how == "release":
            return
        if probe:
            self.enter("closed" if how == "success" else "open")
            self.opened = self.clock.now
        elif how == "failure":
            self.errors = [at for at in self.errors if at > self.clock.now - 30] + [self.clock.now]
            if len(self.errors) >= 3:
                self.enter("open")
                self.opened = self.clock.now

    @invariant()
    def agree(self) -> None:
        assert self.breaker.state == self.state
        if self.state == "closed":
            assert self.breaker.errors == len([at for at in self.errors if at > self.clock.now - 30])


TestBreakerModel = BreakerModel.TestCase
TestBreakerModel.settings = PROPERTY

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.contract import Identity, RateLimited
from gateway.limits import Admission, Window
from gateway.settings.keys import Key
from gateway.settings.schema import Limits
from tests.support.fakes import PROPERTY, Clock

#: Not on the lattice of the tests' steps, where a count is just at the limit and rounding decides.
START = 1_700_000_040.1037
ANN = Identity("10.0.0.1", user="ann", org="acme")


@contextlib.contextmanager
def at(start: float) -> Iterator[Clock]:
    clock = Clock(start)
    with mock.patch("gateway.window_storage.time", SimpleNamespace(time=clock)):
        yield clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    with at(START) as clock:
        yield clock


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission(Limits())


def admitted(admission: Admission, identity: Identity = ANN) -> Window | None:
    try:
        return admission.admit(identity)
    except RateLimited:
        return None


def refused(admission: Admission, identity: Identity = ANN) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        admission.admit(identity)
    return caught.value


def test_the_eleventh_request_in_ten_seconds_is_refused_and_says_when_to_come_back(
    clock: Clock, admission: Admission
) -> None:
    for _ in range(10):
        assert admitted(admission)
        clock.advance(0.5)
    error = refused(admission)
    assert (error.status, error.code) == (429, "rate_limit_exceeded")
    assert error.retry_after is not None
    clock.advance(error.retry_after - 1)
    refused(admission)
    clock.advance(1)
    assert admitted(admission)


def test_the_minute_s_limit_holds_where_the_burst_s_does_not(clock: Clock) -> None:
    admission = Admission(Limits(per_minute=20, burst=10))
    for _ in range(20):
        assert admitted(admission)
        clock.advance(1.5)
    error = refused(admission)
    assert "20 requests in 60 seconds" in error.message
    assert error.retry_after is not None
    clock.advance(error.retry_after)
    assert admitted(admission)


def test_refused_requests_cost_nothing(clock: Clock, admission: Admission) -> None:
    for _ in range(10):
        admitted(admission)
    first = refused(admission)
    for _ in range(500):
        refused(admission)
    assert refused(admission).retry_after == first.retry_after
    assert first.retry_after is not None
    clock.advance(first.retry_after)
    window = admitted(admission)
    assert window is not None and window.remaining == 60 - 11


@pytest.mark.parametrize(
    "other",
    [
        Identity("10.0.0.1", user="bob", org="acme"),
        Identity("10.0.0.1", user="ann", org="other"),
        Identity("10.0.0.1", user="ann"),
        Identity("10.0.0.1"),
        Identity("ann"),
        Identity("10.0.0.1", user="acme", org="ann"),
    ],
)
def test_users_orgs_and_addresses_are_counted_apart(admission: Admission, other: Identity) -> None:
    for _ in range(10):
        assert admitted(admission)
    refused(admission)
    assert admitted(admission, other)


def test_a_user_is_the_same_from_another_address_and_conversation(admission: Admission) -> None:
    for number in range(10):
        assert admitted(admission, Identity(f"10.0.0.{number}", "ann", "acme", f"c{number}"))
    refused(admission)


def test_the_headers_tell_what_is_left(clock: Clock, admission: Admission) -> None:
    windows = [admission.admit(ANN) for _ in range(3)]
    assert [w.headers()["X-RateLimit-Remaining"] for w in windows] == ["59", "58", "57"]
    assert windows[0].headers()["X-RateLimit-Limit"] == "60"
    reset = int(windows[2].headers()["X-RateLimit-Reset"])
    assert 0 < reset <= 60


def test_a_refusal_s_headers_agree_with_it(admission: Admission) -> None:
    for _ in range(10):
        admission.admit(ANN)
    error = refused(admission)
    assert error.headers == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(error.retry_after),
    }


STEPS = st.lists(st.tuples(st.integers(0, 60).map(lambda n: n / 4), st.integers(1, 12)), max_size=25)


@PROPERTY
@given(STEPS, st.integers(1, 12), st.integers(5, 70))
@example(steps=[(10.0, 10)] * 5, burst=10, minute=50)  # both limits are reached, and one is longer
def test_who_comes_back_after_retry_after_is_admitted_and_a_second_before_is_not(
    steps: list[tuple[float, int]], burst: int, minute: int
) -> None:
    with at(START) as clock:
        admission = Admission(Limits(per_minute=minute, burst=burst, burst_seconds=10))
        for wait, requests in steps:
            clock.advance(wait)
            for _ in range(requests):
                admitted(admission)
        with contextlib.suppress(RateLimited):
            while True:
                admission.admit(ANN)
        seconds = refused(admission).retry_after
        assert seconds is not None and seconds >= 1
        clock.advance(seconds - 1)
        refused(admission)
        clock.advance(1)
        admission.admit(ANN)


@pytest.mark.parametrize("start", [1_700_000_040.0, 1_700_000_045.0, 1_700_000_045.5])
def test_retry_after_is_true_on_the_very_edge(start: float) -> None:
    with at(start) as clock:
        admission = Admission(Limits())
        for _ in range(3):
            for _ in range(10):
                admitted(admission)
            seconds = refused(admission).retry_after
            assert seconds is not None
            clock.advance(seconds)
            assert admitted(admission)


@PROPERTY
@given(STEPS)
def test_no_more_pass_in_ten_seconds_than_the_sliding_estimate_allows(steps: list[tuple[float, int]]) -> None:
    passed: list[float] = []
    with at(START) as clock:
        admission = Admission(Limits(per_minute=1_000_000))
        for wait, requests in steps:
            clock.advance(wait)
            passed += [clock.now for _ in range(requests) if admitted(admission)]
    for time in passed:
        window = math.floor(time / 10) * 10
        in_fixed = [t for t in passed if window <= t < window + 10]
        assert len(in_fixed) <= 10
        # The estimate spreads a fixed window's requests evenly: those at its end are thought to have slid out
        # by as much of the next window as has passed.
        share = (time - window) / 10
        assert len([t for t in passed if time <= t < time + 10]) <= 10 + len(in_fixed) * share + 1


@PROPERTY
@given(STEPS)
def test_a_request_is_refused_only_where_the_estimate_is_at_the_limit(steps: list[tuple[float, int]]) -> None:
    with at(START) as clock:
        admission, counts = Admission(Limits(per_minute=1_000_000)), dict[int, int]()
        for wait, requests in steps:
            clock.advance(wait)
            for _ in range(requests):
                now, share = divmod(clock.now / 10, 1)
                estimate = counts.get(int(now) - 1, 0) * (1 - share) + counts.get(int(now), 0)
                assert (admitted(admission) is not None) == (estimate < 10)
                counts[int(now)] = counts.get(int(now), 0) + (estimate < 10)


CRM = Key(name="crm", hash=f"sha256:{'0' * 64}", requests_per_minute=12)
BOUND = CRM.model_copy(update={"user": "ann"})


def with_key(admission: Admission, key: Key, identity: Identity) -> Window | None:
    try:
        return admission.admit(identity, key)
    except RateLimited:
        return None


@pytest.mark.parametrize(("key", "identity"), [(CRM, Identity("10.0.0.1")), (BOUND, ANN)], ids=["no user", "bound"])
def test_a_key_s_own_limit_stands_in_place_of_the_settings(admission: Admission, key: Key, identity: Identity) -> None:
    windows = [with_key(admission, key, identity) for _ in range(13)]
    assert [window is not None for window in windows] == [True] * 12 + [False]  # a burst is 10
    assert windows[0] is not None
    headers = windows[0].headers()
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("12", "11")
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("12", "11")
    assert admitted(admission, identity)  # without the key nothing was counted


def test_the_users_of_a_key_are_counted_one_by_one_and_together(admission: Admission) -> None:
    for _ in range(10):
        assert with_key(admission, CRM, ANN)
    assert with_key(admission, CRM, ANN) is None  # her burst
    bob = Identity("10.0.0.1", user="bob")
    window = with_key(admission, CRM, bob)
    assert window is not None and window.key is not None
    assert (window.limit, window.remaining, window.key.limit, window.key.remaining) == (60, 59, 12, 1)
    assert with_key(admission, CRM, bob)
    with pytest.raises(RateLimited) as caught:
        admission.admit(bob, CRM)
    assert caught.value.message.startswith("This key may send 12 requests in 60 seconds.")
    assert caught.value.headers["x-ratelimit-remaining-requests"] == "0"
    assert caught.value.headers["X-RateLimit-Limit"] == "12"


def test_a_request_that_one_limit_refuses_counts_against_none(clock: Clock, admission: Admission) -> None:
    for _ in range(10):
        with_key(admission, CRM, ANN)
    for _ in range(50):
        assert with_key(admission, CRM, ANN) is None
    carl = Identity("10.0.0.1", user="carl")
    assert with_key(admission, CRM, carl) and with_key(admission, CRM, carl)
    for _ in range(50):
        assert with_key(admission, CRM, carl) is None
    window = admission.admit(carl)
    assert window.remaining == 60 - 3


def test_a_key_without_a_limit_changes_nothing(admission: Admission) -> None:
    key = CRM.model_copy(update={"requests_per_minute": None})
    assert sum(with_key(admission, key, ANN) is not None for _ in range(20)) == 10


def test_a_key_is_no_user_of_its_name(admission: Admission) -> None:
    for _ in range(12):
        with_key(admission, CRM, Identity("crm"))
    assert admitted(admission, Identity("crm"))
    assert admitted(admission, Identity("10.0.0.1", user="crm"))


@PROPERTY
@given(STEPS, st.integers(1, 30))
def test_retry_after_is_true_where_a_key_and_a_user_are_limited(steps: list[tuple[float, int]], limit: int) -> None:
    key = CRM.model_copy(update={"requests_per_minute": limit})
    with at(START) as clock:
        admission = Admission(Limits(per_minute=20, burst=10, burst_seconds=10))
        for wait, requests in steps:
            clock.advance(wait)
            for _ in range(requests):
                with_key(admission, key, ANN)
        with contextlib.suppress(RateLimited):
            while True:
                admission.admit(ANN, key)
        with pytest.raises(RateLimited) as caught:
            admission.admit(ANN, key)
        seconds = caught.value.retry_after
        assert seconds is not None
        clock.advance(seconds)
        admission.admit(ANN, key)

from __future__ import annotations

import threading
from types import SimpleNamespace
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.limits import Admission
from gateway.settings.schema import Limits
from gateway.window_storage import WindowStorage
from tests.support.fakes import PROPERTY, Clock

START = 1_700_000_040.1037
WAITS = st.one_of(st.integers(0, 80).map(lambda n: n / 4), st.floats(0, 130, allow_nan=False))
STEPS = st.lists(st.tuples(WAITS, st.sampled_from("abc"), st.integers(1, 4)), max_size=60)


@PROPERTY
@given(STEPS, st.integers(1, 12), st.sampled_from([1, 7, 10, 60]), st.sampled_from([START, 1_700_000_040.0]))
def test_it_answers_as_the_library_s_own(
    steps: list[tuple[float, str, int]], amount: int, seconds: int, start: float
) -> None:
    clock = Clock(start)
    with (
        mock.patch("limits.storage.memory.time", SimpleNamespace(time=clock)),
        mock.patch("threading.Timer", mock.MagicMock()),
    ):
        ours, theirs = WindowStorage(clock=clock), MemoryStorage()
        item = RateLimitItemPerSecond(amount, seconds)
        limiters = [SlidingWindowCounterRateLimiter(storage) for storage in (ours, theirs)]
        for wait, user, cost in steps:
            clock.advance(wait)
            key = item.key_for(user)
            assert ours.get_sliding_window(key, seconds) == theirs.get_sliding_window(key, seconds)
            tested, expected = (limiter.test(item, user, cost=cost) for limiter in limiters)
            assert tested == expected
            hit, expected = (limiter.hit(item, user, cost=cost) for limiter in limiters)
            assert hit == expected


def test_it_starts_no_thread() -> None:
    before = threading.active_count()
    storage = WindowStorage()
    storage.acquire_sliding_window_entry("a", 10, 10)
    assert threading.active_count() == before


def test_admission_counts_in_it() -> None:
    assert isinstance(Admission(Limits())._storage, WindowStorage)


def test_the_least_recently_used_goes_first_and_to_be_refused_is_a_use() -> None:
    storage, item = WindowStorage(max_keys=3, clock=Clock(START)), RateLimitItemPerSecond(1, 60)
    limiter = SlidingWindowCounterRateLimiter(storage)
    for user in "abc":
        assert limiter.hit(item, user)
    assert not limiter.test(item, "a")
    for user in "de":
        assert limiter.hit(item, user)
    assert len(storage) == 3
    assert [storage.get(item.key_for(user)) for user in "abcde"] == [1, 0, 0, 1, 1]


def test_what_has_expired_makes_room_by_itself() -> None:
    clock = Clock(START)
    storage = WindowStorage(clock=clock)
    for number in range(100):
        storage.acquire_sliding_window_entry(f"a{number}", 10, 10)
    clock.advance(20)
    assert storage.get("a0") == 0
    for number in range(100):
        storage.acquire_sliding_window_entry(f"b{number}", 10, 10)
    assert len(storage) == 100


def test_a_clock_that_is_set_back_forgets_no_hit_of_the_window_it_is_set_back_to() -> None:
    clock = Clock(1_700_000_000.0)
    storage = WindowStorage(clock=clock)
    for _ in range(3):
        storage.acquire_sliding_window_entry("a", 10, 10)
    clock.advance(10)
    storage.acquire_sliding_window_entry("a", 10, 10)
    clock.advance(-10)
    assert storage.get_sliding_window("a", 10)[2] == 3


def test_it_can_be_cleared_by_key_and_as_a_whole() -> None:
    clock = Clock(START)
    storage = WindowStorage(clock=clock)
    for key in "abc":
        assert storage.incr(key, 10) == 1
    assert storage.get_expiry("a") == 1_700_000_060
    storage.clear("a")
    storage.clear_sliding_window("b", 10)
    assert [storage.get(key) for key in "abc"] == [0, 0, 1]
    assert storage.get_expiry("a") == START
    assert (storage.check(), storage.reset(), len(storage)) == (True, 1, 0)

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract import Operation, RateLimited, Spent
from gateway.settings.keys import Key
from gateway.tokens import USUAL_ANSWER, Demand, Reservation, TokenLimits, TokenWindow, used
from tests.support.fakes import PROPERTY, Clock, make_call

HASH = f"sha256:{'0' * 64}"


def key(limit: int | None = 1000, name: str = "crm") -> Key:
    return Key(name=name, hash=HASH, tokens_per_minute=limit)


def window(limit: int = 1000) -> tuple[TokenWindow, Clock]:
    clock = Clock(100.5)
    made = TokenWindow(clock)
    made.limit = limit
    return made, clock


def left(made: TokenWindow) -> int:
    return int(made.headers()["x-ratelimit-remaining-tokens"])


def refused(made: TokenWindow, tokens: int) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        made.reserve(tokens)
    return caught.value


def test_what_is_reserved_is_gone_until_it_is_settled_and_then_what_was_used() -> None:
    made, clock = window()
    reservation = made.reserve(700)
    assert left(made) == 300
    refused(made, 301)
    reservation.settle(100)
    assert left(made) == 900
    clock.advance(59.4)
    assert left(made) == 900
    clock.advance(1.6)
    assert left(made) == 1000


def test_it_is_settled_once() -> None:
    made, _ = window()
    first, second = made.reserve(500), made.reserve(500)
    for _ in range(3):
        first.settle(10)
    assert left(made) == 490
    second.settle(0)
    assert left(made) == 990


def test_what_was_used_beyond_what_was_reserved_counts_too() -> None:
    made, _ = window()
    made.reserve(10).settle(2000)
    assert left(made) == 0
    refused(made, 1)


def test_a_request_that_is_larger_than_the_limit_is_let_in_alone() -> None:
    made, clock = window()
    reservation = made.reserve(5000)
    refused(made, 1)
    reservation.settle(3000)
    assert refused(made, 5000).retry_after == 61
    clock.advance(61)
    made.reserve(5000)


def test_a_refusal_says_what_it_is_about() -> None:
    made, _ = window()
    made.reserve(600)
    error = refused(made, 500)
    assert (error.status, error.code, error.retry_after) == (429, "rate_limit_exceeded", 1)
    assert all(number in error.message for number in ("1000", "600", "500"))
    assert error.headers["x-ratelimit-limit-tokens"] == "1000"
    assert error.headers["x-ratelimit-remaining-tokens"] == "400"


STEPS = st.lists(st.tuples(st.integers(0, 80).map(lambda n: n / 4), st.integers(1, 900)), min_size=1, max_size=25)


@PROPERTY
@given(STEPS, st.integers(1, 1500))
def test_who_comes_back_after_retry_after_is_admitted_and_two_seconds_before_is_not(
    steps: list[tuple[float, int]], wanted: int
) -> None:
    made, clock = window()
    for wait, tokens in steps:
        clock.advance(wait)
        with contextlib.suppress(RateLimited):
            made.reserve(tokens).settle(tokens)
    try:
        made.reserve(wanted).settle(0)
    except RateLimited as error:
        seconds = error.retry_after
        assert seconds is not None and 1 <= seconds <= 61
        if seconds > 2:
            clock.advance(seconds - 2)
            refused(made, wanted)
            clock.advance(2)
        else:
            clock.advance(seconds)
        made.reserve(wanted)


@PROPERTY
@given(
    st.lists(st.tuples(st.integers(0, 40).map(lambda n: n / 4), st.integers(1, 400), st.integers(0, 400)), max_size=60)
)
def test_no_minute_has_more_than_the_limit_where_no_one_uses_more_than_was_reserved(
    steps: list[tuple[float, int, int]],
) -> None:
    made, clock = window()
    begun: list[tuple[Reservation, int]] = []
    settled: list[tuple[float, int]] = []
    for wait, tokens, spent in steps:
        clock.advance(wait)
        with contextlib.suppress(RateLimited):
            begun.append((made.reserve(tokens), min(tokens, spent)))
        if len(begun) > 3:
            reservation, amount = begun.pop(0)
            reservation.settle(amount)
            settled.append((clock.now, amount))
        assert sum(amount for at, amount in settled if clock.now - at < 60) <= 1000


def test_a_window_that_slept_for_long_is_empty() -> None:
    made, clock = window()
    made.reserve(900).settle(900)
    clock.advance(100_000)
    assert left(made) == 1000
    made.reserve(900).settle(900)
    assert left(made) == 100


def call(**params: Any) -> Any:
    return make_call(params={"messages": [{"role": "user", "content": "x" * 100}], **params})


@pytest.mark.parametrize(
    ("params", "longest", "answer"),
    [
        ({"max_tokens": 50}, 8000, 50),
        ({"max_completion_tokens": 60, "max_tokens": 50}, 8000, 60),
        ({"max_tokens": 50, "n": 3}, 8000, 150),
        ({}, 8000, 8000),
        ({"n": 2}, None, 2 * USUAL_ANSWER),
    ],
)
def test_a_request_may_need_its_prompt_and_the_longest_answer(
    params: dict[str, Any], longest: int | None, answer: int
) -> None:
    demand = Demand.of(call(**params), longest)
    assert demand.answer == answer
    assert 50 <= demand.prompt <= 100


def test_what_is_not_answered_in_words_needs_its_prompt_only() -> None:
    embedding = make_call(operation=Operation.EMBEDDING, params={"input": ["x" * 100]})
    assert Demand.of(embedding, 8000).answer == 0
    assert Demand.of(embedding, 8000).prompt >= 50


def test_keys_are_counted_apart_and_a_changed_limit_holds_at_once() -> None:
    limits = TokenLimits(Clock())
    asked = call(max_tokens=800)
    limits.reserve(key(), asked, lambda: None)
    with pytest.raises(RateLimited):
        limits.reserve(key(), asked, lambda: None)
    limits.reserve(key(name="other"), asked, lambda: None)
    limits.reserve(key(5000), asked, lambda: None)


@pytest.mark.parametrize("limited", [None, key(None)], ids=["no key", "a key without"])
def test_without_a_limit_nothing_is_counted(limited: Key | None) -> None:
    limits = TokenLimits(Clock())
    for _ in range(3):
        reservation = limits.reserve(limited, call(max_tokens=10**9), lambda: None)
        reservation.settle(10**9)
        assert reservation.headers() == {}


def test_what_a_policy_answered_needs_nothing() -> None:
    limits = TokenLimits(Clock())
    limits.reserve(key(), make_call(answer="no"), lambda: None)
    limits.reserve(key(), call(max_tokens=900), lambda: None)


def test_all_attempts_of_a_request_count() -> None:
    asked = call()
    asked.trail.spent += [Spent("a", 10, 4, 5), Spent("b", 20, 0, 7, estimated=True)]
    assert used(asked) == 42

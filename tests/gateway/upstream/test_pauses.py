from __future__ import annotations

from typing import Any

import pytest

from gateway.settings.schema import Retries
from gateway.upstream.failures import RULES, Failure, Kind, Retry
from gateway.upstream.pauses import Pauses


def pauses(**retries: Any) -> Pauses:
    return Pauses(Retries(**retries))


def taken(made: Pauses, *failures: Failure, waits: float = 3.0) -> list[float | None]:
    """The pauses, where ``waits`` seconds may be waited in all."""
    found = []
    for failure in failures:
        found.append(made.after(failure, waits))
        waits -= found[-1] or 0.0
    return found


@pytest.mark.parametrize("kind", [kind for kind in Kind if RULES[kind].retry is Retry.NEVER])
def test_what_can_t_be_helped_is_not_tried_again(kind: Kind) -> None:
    assert pauses().after(Failure(kind), 3.0) is None
    assert pauses().after(Failure(kind, retry_after=0.5), 3.0) is None


@pytest.mark.parametrize("kind", [kind for kind in Kind if RULES[kind].retry is Retry.SOON])
@pytest.mark.parametrize("tries", [1, 2, 4])
def test_a_second_try_comes_soon_and_as_often_as_is_configured(kind: Kind, tries: int) -> None:
    found = taken(pauses(tries=tries, backoff_seconds=0.1), *[Failure(kind)] * 5)
    assert [pause is not None for pause in found] == [n < tries for n in range(1, 6)]
    assert all(pause <= 0.1 * 2**n for n, pause in enumerate(found) if pause is not None)


def test_a_provider_s_time_is_kept_to_where_there_is_patience_for_it() -> None:
    limited = [Failure(Kind.RATE_LIMITED, retry_after=seconds) for seconds in (2.0, 1.5, 1.0, 0.0)]
    assert taken(pauses(), limited[0], limited[1]) == [2.0, None]
    assert taken(pauses(), limited[0], limited[2], limited[3]) == [2.0, 1.0, None]
    assert taken(pauses(), Failure(Kind.RATE_LIMITED, retry_after=3.01)) == [None]


def test_without_a_time_it_backs_off_and_gives_up_within_the_patience() -> None:
    for _ in range(200):
        found = taken(pauses(rate_limit_tries=4), *[Failure(Kind.RATE_LIMITED)] * 5)
        waited = [pause for pause in found if pause is not None]
        assert sum(waited) <= 3
        assert len(waited) <= 3
        assert found[-1] is None
        assert waited == sorted(waited)
        assert waited[0] >= 0.25


@pytest.mark.parametrize("retry_after", [None, 0.0, 1.0])
def test_where_nothing_may_be_waited_the_next_is_asked(retry_after: float | None) -> None:
    assert pauses().after(Failure(Kind.RATE_LIMITED, retry_after=retry_after), 0.0) is None


def test_an_overloaded_provider_s_time_is_kept_to_as_well() -> None:
    assert pauses().after(Failure(Kind.OVERLOADED, retry_after=2.0), 3.0) == 2.0
    assert pauses().after(Failure(Kind.OVERLOADED, retry_after=30.0), 3.0) is None
    assert pauses().after(Failure(Kind.OVERLOADED, retry_after=2.0), 0.0) is None

from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import GatewayError
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.verdict import verdict
from tests.support.fakes import deployment, make_call


def judged(*failures: Failure, seconds_left: float = 0.0) -> GatewayError:
    """The verdict where these came, one after another, and the first that nobody else is asked after settled it."""
    listed = [(deployment(f"m{number}"), failure) for number, failure in enumerate(failures, 1)]
    settled = next((failure for failure in failures if not failure.rule.fall_over), None)
    return verdict(make_call(), listed, seconds_left, settled)


F, K = Failure, Kind
TABLE: list[tuple[str, list[Failure], float, int, str, float | None]] = [
    # what it is, the failures, the breakers' seconds left, then: status, code, Retry-After
    ("nobody was asked", [], 0, 503, "no_provider_available", 1),
    ("all failed", [F(K.CONNECT), F(K.SERVER_ERROR)], 0, 503, "no_provider_available", 1),
    ("breakers are open", [F(K.BREAKER_OPEN)] * 2, 12.3, 503, "no_provider_available", 13),
    ("a wait is bounded", [F(K.BREAKER_OPEN)], 3000, 503, "no_provider_available", 60),
    ("the deadline", [F(K.SILENT), F(K.DEADLINE)], 0, 503, "no_provider_available", 1),
    ("a lane's bug", [F(K.INTERNAL)], 0, 503, "no_provider_available", 1),
    ("all over their limits", [F(K.RATE_LIMITED, retry_after=7)] * 2, 0, 429, "rate_limit_exceeded", 7),
    (
        "the shortest wait is named",
        [F(K.RATE_LIMITED, retry_after=20), F(K.RATE_LIMITED, retry_after=4.2)],
        0,
        429,
        "rate_limit_exceeded",
        5,
    ),
    ("over limits, no time given", [F(K.RATE_LIMITED)], 0, 429, "rate_limit_exceeded", 1),
    ("one over its limit, one down", [F(K.RATE_LIMITED), F(K.RESET)], 0, 503, "no_provider_available", 1),
    ("no keys", [F(K.NO_KEY, "A_KEY is not set"), F(K.BAD_KEY)], 0, 503, "provider_misconfigured", 60),
    ("set aside", [F(K.SET_ASIDE), F(K.MODEL_GONE)], 0, 503, "provider_misconfigured", 60),
    ("one has no key, one can't carry it", [F(K.NO_KEY), F(K.UNSUPPORTED)], 0, 400, "not_supported", None),
    ("one has no key, one is down", [F(K.NO_KEY), F(K.RESET)], 0, 503, "no_provider_available", 1),
    ("rejected", [F(K.REJECTED, status=400)], 0, 400, "invalid_request", None),
    ("rejected after another failed", [F(K.RESET), F(K.REJECTED, status=400)], 0, 400, "invalid_request", None),
    ("rejected before another failed", [F(K.REJECTED, status=400), F(K.RESET)], 0, 400, "invalid_request", None),
    ("its own code is kept", [F(K.REJECTED, status=400, code="bad_tool")], 0, 400, "bad_tool", None),
    ("422 is told as 400", [F(K.REJECTED, status=422)], 0, 400, "invalid_request", None),
    ("413 stays", [F(K.REJECTED, status=413)], 0, 413, "invalid_request", None),
    ("405 is not the caller's", [F(K.REJECTED, status=405)], 0, 400, "invalid_request", None),
    ("refused", [F(K.REFUSED, status=400)], 0, 400, "content_policy_violation", None),
    ("refused in a reply", [F(K.REFUSED)], 0, 400, "content_policy_violation", None),
    ("too long for all", [F(K.TOO_LONG, status=400)] * 2, 0, 400, "context_length_exceeded", None),
    ("too long for one", [F(K.TOO_LONG, status=400), F(K.RESET)], 0, 503, "no_provider_available", 1),
    ("nobody can", [F(K.UNSUPPORTED, "no audio")], 0, 400, "not_supported", None),
    ("one can't, one is down", [F(K.UNSUPPORTED), F(K.RESET)], 0, 503, "no_provider_available", 1),
]


@pytest.mark.parametrize(
    ("failures", "left", "status", "code", "wait"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_verdict(failures: list[Failure], left: float, status: int, code: str, wait: float | None) -> None:
    error = judged(*failures, seconds_left=left)
    assert (error.status, error.code, error.retry_after) == (status, code, wait)


def test_a_rejection_is_told_in_the_provider_s_words_with_the_field() -> None:
    error = judged(Failure(Kind.REJECTED, "tools[0] has no name", status=400, param="tools[0]"))
    assert (error.message, error.param) == ("tools[0] has no name", "tools[0]")


def test_why_each_model_failed_is_told_once() -> None:
    message = judged(Failure(Kind.RESET), Failure(Kind.BREAKER_OPEN)).message
    assert "m1: connection_lost; m2: breaker_open" in message
    twice = [(deployment("m1"), Failure(Kind.RESET))] * 2
    assert verdict(make_call(), twice, 0).message.count("m1: connection_lost") == 1


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.BAD_KEY, Kind.INTERNAL, Kind.CONNECT])
def test_what_a_provider_said_of_its_own_trouble_stays_in_the_log(kind: Kind) -> None:
    assert "inner detail" not in judged(Failure(kind, "inner detail")).message


def test_a_missing_key_is_named() -> None:
    assert "A_KEY is not set" in judged(Failure(Kind.NO_KEY, "A_KEY is not set")).message


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_every_429_and_503_says_when_to_come_back(row: Any) -> None:
    error = judged(*row[1], seconds_left=row[2])
    assert (error.retry_after is not None and error.retry_after >= 1) == (error.status in (429, 503))

from __future__ import annotations

import pytest

from gateway.upstream.failures import RULES, Failure, Kind, classify


def test_every_kind_has_a_rule() -> None:
    assert set(RULES) == set(Kind)


CALLERS_OWN = {Kind.TOO_LONG, Kind.REFUSED, Kind.REJECTED, Kind.UNSUPPORTED}
OURS = {Kind.BAD_KEY, Kind.MODEL_GONE, Kind.NO_KEY, Kind.INTERNAL, Kind.DEADLINE, Kind.BREAKER_OPEN, Kind.SET_ASIDE}


@pytest.mark.parametrize("kind", Kind)
def test_only_what_tells_of_the_provider_s_health_counts(kind: Kind) -> None:
    assert RULES[kind].counts == (kind not in CALLERS_OWN | OURS)


@pytest.mark.parametrize("kind", Kind)
def test_what_is_tried_again_here_may_be_tried_elsewhere(kind: Kind) -> None:
    assert RULES[kind].fall_over or not RULES[kind].retry


def test_a_refusal_is_an_answer_and_no_reason_to_ask_another() -> None:
    assert [kind for kind in Kind if not RULES[kind].fall_over] == [Kind.REFUSED, Kind.REJECTED, Kind.DEADLINE]


def test_only_what_an_operator_must_mend_is_set_aside() -> None:
    assert {kind for kind in Kind if RULES[kind].set_aside} == {Kind.BAD_KEY, Kind.MODEL_GONE}


@pytest.mark.parametrize(
    ("status", "text", "code", "kind"),
    [
        (400, "", "", Kind.REJECTED),
        (400, "API key not valid. Please pass a valid API key.", "", Kind.BAD_KEY),
        (400, "API_KEY_INVALID", "", Kind.BAD_KEY),
        (400, "This model's maximum context length is 8192 tokens", "", Kind.TOO_LONG),
        (400, "", "context_length_exceeded", Kind.TOO_LONG),
        (400, "The input token count exceeds the maximum number of tokens allowed", "", Kind.TOO_LONG),
        (400, "rejected as a result of our safety system", "", Kind.REFUSED),
        (400, "", "content_policy_violation", Kind.REFUSED),
        (401, "", "", Kind.BAD_KEY),
        (403, "", "", Kind.BAD_KEY),
        (404, "", "", Kind.MODEL_GONE),
        (405, "", "", Kind.REJECTED),
        (408, "", "", Kind.OVERLOADED),
        (413, "maximum context length", "", Kind.TOO_LONG),
        (413, "", "", Kind.REJECTED),
        (422, "", "", Kind.REJECTED),
        (429, "", "", Kind.RATE_LIMITED),
        (429, "maximum context length", "", Kind.RATE_LIMITED),
        (500, "api key not valid", "", Kind.SERVER_ERROR),
        (502, "", "", Kind.SERVER_ERROR),
        (503, "", "", Kind.OVERLOADED),
        (529, "", "", Kind.OVERLOADED),
        (599, "", "", Kind.SERVER_ERROR),
        (302, "", "", Kind.GARBAGE),
    ],
)
def test_a_provider_s_error_is_classified(status: int, text: str, code: str, kind: Kind) -> None:
    assert classify(status, text, code) is kind


def test_a_failure_names_its_kind_and_says_more_where_there_is_more() -> None:
    assert str(Failure(Kind.CUT)) == "cut"
    assert str(Failure(Kind.CUT, "no end")) == "cut: no end"
    assert Failure(Kind.CUT).rule is RULES[Kind.CUT]

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.upstream.failures import RULES, Failure, Kind, Retry, classify

ROOT = Path(__file__).resolve().parents[3]


def test_every_kind_has_a_rule() -> None:
    assert set(RULES) == set(Kind)


def test_the_page_for_operators_says_the_same() -> None:
    page = (ROOT / "docs" / "failover.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): tuple(row[2:]) for row in rows}
    words = {True: "yes", False: "no"}
    assert told == {
        str(kind): (words[rule.counts], str(rule.retry), words[rule.fall_over]) for kind, rule in RULES.items()
    }


ELSEWHERE = {Kind.FORBIDDEN, Kind.ODD, Kind.BUSY}
CALLERS_OWN = {Kind.TOO_LONG, Kind.REFUSED, Kind.REJECTED, Kind.UNSUPPORTED}
OURS = {
    Kind.BAD_KEY,
    Kind.MODEL_GONE,
    Kind.NO_KEY,
    Kind.INTERNAL,
    Kind.DEADLINE,
    Kind.HURRIED,
    Kind.BREAKER_OPEN,
    Kind.SET_ASIDE,
    Kind.DIVERGED,
    Kind.NO_STREAM,
}


@pytest.mark.parametrize("kind", Kind)
def test_only_what_tells_of_the_provider_s_health_counts(kind: Kind) -> None:
    assert RULES[kind].counts == (kind not in CALLERS_OWN | OURS | ELSEWHERE)


@pytest.mark.parametrize("kind", Kind)
def test_what_is_tried_again_here_may_be_tried_elsewhere(kind: Kind) -> None:
    assert RULES[kind].fall_over or RULES[kind].retry is Retry.NEVER


def test_only_a_provider_that_is_over_its_limits_says_when_to_come_back() -> None:
    assert {kind for kind in Kind if RULES[kind].retry is Retry.TOLD} == {Kind.RATE_LIMITED}


def test_a_refusal_is_an_answer_and_no_reason_to_ask_another() -> None:
    final = {Kind.REFUSED, Kind.REJECTED, Kind.BUSY, Kind.DEADLINE}
    assert {kind for kind in Kind if not RULES[kind].fall_over} == final


def test_only_what_an_operator_must_mend_is_set_aside() -> None:
    assert {kind for kind in Kind if RULES[kind].set_aside} == {Kind.BAD_KEY, Kind.MODEL_GONE}


@pytest.mark.parametrize(
    ("status", "codes", "text", "kind"),
    [
        (400, [], "", Kind.REJECTED),
        (400, ["API_KEY_INVALID"], "", Kind.BAD_KEY),
        (400, ["INVALID_ARGUMENT"], "This model's maximum context length is 8192 tokens", Kind.TOO_LONG),
        (400, ["context_length_exceeded"], "", Kind.TOO_LONG),
        (400, [], "The input token count exceeds the maximum number of tokens allowed", Kind.TOO_LONG),
        (400, ["content_policy_violation"], "", Kind.REFUSED),
        (400, ["FAILED_PRECONDITION"], "User location is not supported for the API use.", Kind.FORBIDDEN),
        (401, [], "", Kind.BAD_KEY),
        (402, [], "Insufficient balance", Kind.BAD_KEY),
        (403, ["PERMISSION_DENIED"], "", Kind.FORBIDDEN),
        (404, ["model_not_found"], "", Kind.MODEL_GONE),
        (404, ["NOT_FOUND"], "", Kind.MODEL_GONE),
        (404, [], "", Kind.ODD),
        (405, [], "", Kind.ODD),
        (408, [], "", Kind.OVERLOADED),
        (410, [], "", Kind.MODEL_GONE),
        (413, [], "maximum context length", Kind.TOO_LONG),
        (413, [], "", Kind.REJECTED),
        (422, [], "", Kind.REJECTED),
        (429, [], "maximum context length", Kind.RATE_LIMITED),
        (500, ["invalid_api_key"], "", Kind.SERVER_ERROR),
        (502, [], "", Kind.SERVER_ERROR),
        (503, [], "", Kind.OVERLOADED),
        (529, [], "", Kind.OVERLOADED),
        (599, [], "", Kind.SERVER_ERROR),
        (302, [], "", Kind.GARBAGE),
    ],
)
def test_a_provider_s_error_is_classified(status: int, codes: list[str], text: str, kind: Kind) -> None:
    assert classify(status, codes, text) is kind


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_text_that_quotes_the_caller_sets_nothing_aside(status: int) -> None:
    text = "Invalid schema for function 'invalid_api_key': 'model_not_found' API key not valid content_filter"
    assert not RULES[classify(status, ["invalid_function_parameters"], text)].set_aside


def test_a_failure_names_its_kind_and_says_more_where_there_is_more() -> None:
    assert str(Failure(Kind.CUT)) == "cut"
    assert str(Failure(Kind.CUT, "no end")) == "cut: no end"
    assert Failure(Kind.CUT).rule is RULES[Kind.CUT]

from __future__ import annotations

import datetime
import json
from collections import Counter
from typing import Any

import pytest

from gateway.settings import ConfigError
from policies.style import Style, StyleOptions
from tests.support.fakes import make_call
from tests.support.policies import asked, services

MONDAY = datetime.date(2026, 11, 23)
WEEK = datetime.timedelta(days=7)


def file(count: int, per_week: int) -> str:
    shots = [{"user": f"asked {n}", "assistant": f"said {n}"} for n in range(count)]
    return json.dumps({"introduction": "As follows.", "per_week": per_week, "shots": shots})


def style(count: int = 5, per_week: int = 2, day: datetime.date = MONDAY) -> Style:
    return Style(StyleOptions(), services({"style.yaml": file(count, per_week)}), clock=lambda: day)


def names(made: Style, day: datetime.date) -> list[str]:
    return [shot.user for shot in made.shots(day)]


def test_a_week_s_choice_is_the_same_from_monday_to_sunday_and_another_the_week_after() -> None:
    made = style()
    days = [names(made, MONDAY + datetime.timedelta(days=n)) for n in range(7)]
    assert all(day == days[0] for day in days)
    assert names(made, MONDAY + WEEK) != days[0]
    assert names(made, MONDAY - datetime.timedelta(days=1)) != days[0]


@pytest.mark.parametrize(("count", "per_week"), [(5, 2), (6, 3), (3, 1), (9, 4)])
def test_all_shots_have_their_turn_equally_often_over_a_year_s_end_too(count: int, per_week: int) -> None:
    made = style(count, per_week)
    start = datetime.date(2026, 12, 7)
    seen = Counter(name for n in range(count) for name in names(made, start + n * WEEK))
    assert set(seen.values()) == {per_week}
    assert len(seen) == count


def test_more_a_week_than_there_are_is_all_of_them_once() -> None:
    assert sorted(names(style(2, 5), MONDAY)) == ["asked 0", "asked 1"]


async def test_the_shots_stand_at_the_end_of_the_system_prompt() -> None:
    messages = [{"role": "system", "content": "You are Ivy."}, {"role": "user", "content": "hi"}]
    call = asked("hi")
    call = make_call(question=call.question, params={"messages": messages, "temperature": 0})
    made = await style(1, 1).request(call)
    assert made.params == {
        "messages": [
            {"role": "system", "content": "You are Ivy.\n\nAs follows.\n\nAsked: asked 0\nIvy: said 0"},
            {"role": "user", "content": "hi"},
        ],
        "temperature": 0,
    }
    assert messages[0]["content"] == "You are Ivy."


SYSTEM = {"role": "system", "content": "You are Ivy."}
IN_JSON = make_call(
    question=asked().question, params={"messages": [SYSTEM], "response_format": {"type": "json_object"}}
)


@pytest.mark.parametrize("call", [make_call(), asked("no system prompt"), IN_JSON])
async def test_a_caller_s_own_messages_and_what_is_no_prose_pass_untouched(call: Any) -> None:
    assert await style().request(call) is call


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("introduction: a\nper_week: 1\nshots: []", "style.yaml:3: 'shots'"),
        ("introduction: a\nper_week: 0\nshots: [{user: a, assistant: b}]", "style.yaml:2: 'per_week'"),
        ("introduction: a\nper_week: 1\nshots:\n- {user: a, asistant: b}", "did you mean 'assistant'?"),
        ("introduction: a\nper_week: 1\nshots:\n- {user: ' ', assistant: b}", "style.yaml:4: 'shots.0.user'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Style(StyleOptions(), services({"style.yaml": text}))
    assert problem in str(caught.value)


def test_the_shipped_shots_hold_no_number_that_could_be_taken_for_a_fact() -> None:
    shipped = Style(StyleOptions(), services())
    text = " ".join(shipped.guidance(MONDAY + n * WEEK) for n in range(9))
    assert not any(letter.isdigit() for letter in text)
    assert text.count("Asked:") == 27

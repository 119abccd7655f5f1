from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.json_answer import parsed
from tests.support.fakes import PROPERTY

TEXT = '{"a": "b"}'


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"  \n{TEXT}\n ",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```",
        f"Here it is:\n{TEXT}\nI hope that it helps.",
        f"Sure!\n```json\n{TEXT}\n```\nUse {{braces}} well.",
        f"{TEXT} or {{not this}}",
    ],
)
def test_the_object_is_found_in_what_stands_around_it(answer: str) -> None:
    assert parsed(answer) == {"a": "b"}


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"a": "two\\nlines\\u0000 and \\u202etricks"}', {"a": "two lines and tricks"}),
        ('{"a": ["  x  ", 1, 2.5, null, true]}', {"a": ["x", 1, 2.5, None, True]}),
        ('{"a\\n": "\\ud800"}', {"a": ""}),
    ],
)
def test_its_texts_are_of_one_line(answer: str, value: Any) -> None:
    assert parsed(answer) == value


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "no JSON object"),
        ("I can't do that.", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"a": ', "not valid JSON"),
        ("}{", "not valid JSON"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "1" * 5000 + "}", "digits"),
        ('{"a": ' * 10_000, "not valid JSON|nested too deeply"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "nested too deeply"),
        ('{"a": "' + "x" * 70_000 + '"}', "characters"),
        ("{" * 60_000, "not valid JSON"),
    ],
    ids=range(12),
)
def test_what_is_no_payload_is_refused_in_words_for_the_model(answer: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parsed(answer)
    assert len(str(caught.value)) < 300


@PROPERTY
@given(st.text() | st.text(alphabet='{}[]":,1eE.-a\\ `\n', max_size=60))
def test_any_answer_is_an_object_or_refused(answer: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parsed(answer), dict)


@PROPERTY
@given(st.dictionaries(st.text(alphabet="abc"), st.integers(-(10**30), 10**30) | st.text(alphabet="a{}`")))
def test_every_object_is_read_back(value: dict[str, Any]) -> None:
    assert parsed(f"Here: {json.dumps(value)}") == value

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings.load import PROJECT, ConfigFiles
from policies.common.actions import Actions, ActionsFile
from policies.common.grounds import Grounds
from policies.common.schema import Schema
from policies.modal.payload import MISSING, acted, grounded, named, shown, words

ACTIONS = Actions(ConfigFiles(PROJECT / "config").yaml("actions.yaml", ActionsFile))
BUTTON = {"type": "object", "required": ["label", "action"]}
SCHEMA = Schema(
    {
        "type": "object",
        "properties": {
            "cta": BUTTON,
            "bare": {"type": "object", "required": ["action"]},
            "more": {"type": "array", "items": BUTTON},
            "free": {"type": "object"},
        },
    }
)
DEFAULT = ACTIONS.offered([ACTIONS.default])[0]


@pytest.mark.parametrize(
    ("payload", "made"),
    [
        ({"cta": {"label": "Ring her", "action": "open_call_console"}},) * 2,
        ({"cta": {"label": "Ring", "action": "Make Call"}}, {"cta": {"label": "Ring", "action": "open_call_console"}}),
        ({"cta": {"label": "Delete", "action": "delete_lead"}}, {"cta": DEFAULT}),
        ({"cta": {"label": "Delete", "action": ""}}, {"cta": DEFAULT}),
        ({"bare": {"action": "fly"}}, {"bare": {"action": DEFAULT["action"]}}),
        (
            {"more": [{"label": "a", "action": "mail"}, {"label": "b", "action": "fly"}]},
            {"more": [{"label": "a", "action": "open_email_composer"}, DEFAULT]},
        ),
        ({"free": {"label": "Delete", "action": "fly"}}, {"free": {"label": "Delete"}}),
        ({"unknown": [{"action": "fly", "x": 1}]}, {"unknown": [{"x": 1}]}),
        ({"cta": {"label": "a", "action": 7}},) * 2,
        ("text",) * 2,
    ],
)
def test_actions_are_those_of_the_list(payload: Any, made: Any) -> None:
    assert acted(payload, SCHEMA, ACTIONS) == made


def check(payload: Any, instead: Any = MISSING) -> Any:
    grounds = Grounds({"score": 82, "q3": "x"})
    return grounded(payload, grounds, grounds.text, instead, {"line1"})


@pytest.mark.parametrize(
    ("payload", "made"),
    [
        ({"a": "82", "b": ["82", "83", "none"]}, {"a": "82", "b": ["82", "none"]}),
        ({"a": [{"b": "x", "c": {"d": "83"}}, {"b": "82"}]}, {"a": [{"b": "82"}]}),
        ({"a": [["83", "82"], ["x"]]}, {"a": [["82"], ["x"]]}),
        ({"a": "83", "b": {"c": "83"}}, {"a": "instead", "b": {"c": "inner"}}),
        ({"z": "83", "y": {"x": "83"}}, {"y": {}}),
        ({"a": 82, "b": [83, 82.0, None, True]}, {"a": 82, "b": [82, None, True]}),
        ({"a": 83}, {"a": "instead"}),
        ({"q3": "x", "q4": "x", "line1": "x"}, {"q3": "x", "line1": "x"}),
        ({"a": [{"q4": "x"}, {"q3": "x"}]}, {"a": [{}, {"q3": "x"}]}),
    ],
)
def test_numbers_are_those_of_the_facts(payload: Any, made: Any) -> None:
    assert check(payload, {"a": "instead", "b": {"c": "inner"}}) == made


def test_the_primary_action_is_named_first_and_each_once() -> None:
    payload = {
        "more": [{"action": "a"}, {"action": "b"}, {"action": "a"}],
        "ui": {"primary_cta": {"label": "x", "action": "b"}, "other": {"action": 7}},
    }
    assert named(payload) == ["b", "a"]
    assert named({}) == []


def test_a_payload_s_words_are_its_texts_without_actions() -> None:
    payload = {"title": "t", "lines": ["a", {"b": "c"}], "n": 7, "cta": {"label": "x", "action": "y"}, "empty": ""}
    assert words(payload) == "t\na\nc"
    assert len(words({"a": ["word " * 100] * 1000})) <= 4100


def test_what_is_shown_of_a_payload_is_every_text_and_the_keys_that_are_a_model_s_own() -> None:
    payload = {"title": "t", "Free": {"title": ["a", 7, {"b": "c"}]}, "cta": {"label": "x", "action": "y"}}
    assert list(shown(payload, {"title", "cta", "label", "action"})) == ["t", "Free", "a", "b", "c", "x"]

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from policies.common.actions import Actions, ActionsFile
from tests.support.policies import services

SHIPPED = Actions(services().files.yaml("actions.yaml", ActionsFile))
CONTRACT = ["open_call_console", "open_email_composer", "open_meeting_scheduler", "view_profile"]


def file(**changes: Any) -> ActionsFile:
    actions = {"ring": {"label": "Ring up", "words": ["ring"]}, "look": {"label": "Look"}}
    return ActionsFile(**{"default": "look", "actions": actions, **changes})


def test_the_shipped_list_is_the_wire_contract_s() -> None:
    assert [action["action"] for action in SHIPPED.offered(CONTRACT)] == CONTRACT


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("open_call_console", "open_call_console"),
        ("Open Call Console", "open_call_console"),
        ("openCallConsole", "open_call_console"),
        ("OPEN-CALL-CONSOLE", "open_call_console"),
        (" open_call_console ", "open_call_console"),
        ("schedule call", "open_call_console"),
        ("Schedule meeting", "open_meeting_scheduler"),
        ("send_email", "open_email_composer"),
        ("E-Mail", "open_email_composer"),
        ("view-lead", "view_profile"),
        ("delete_lead", None),
        ("call open_email_composer", None),
        ("", None),
        ("_", None),
    ],
)
def test_other_spellings_lead_to_an_action_or_to_none(spelling: str, name: str | None) -> None:
    assert SHIPPED.named(spelling) == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Call her.", ["open_call_console"]),
        ("CALLING now", ["open_call_console"]),
        ("She called; two calls.", ["open_call_console"]),
        ("Send an e-mail!", ["open_email_composer"]),
        ("emailed, then **call**", ["open_call_console", "open_email_composer"]),
        ("Scheduling it; scheduled", ["open_meeting_scheduler"]),
        ("phonetics, exmail, recalls, schedulings", []),
        ("", []),
    ],
)
def test_a_text_speaks_of_an_action_by_its_words(text: str, names: list[str]) -> None:
    assert SHIPPED.spoken(text) == names


@pytest.mark.parametrize("word", ["c++", "(hot)", ".net", "#1", "a.b"])
def test_a_word_is_text_and_no_pattern(word: str) -> None:
    made = Actions(file(actions={"look": {"label": "Look", "words": [word]}}))
    assert made.spoken(f"Take {word} today") == ["look"]
    assert made.spoken("Take axb today") == []


def test_what_is_offered_is_never_nothing_and_each_once_in_the_order_given() -> None:
    made = Actions(file())
    assert made.offered([]) == [{"label": "Look", "action": "look"}]
    assert [action["action"] for action in made.offered(["ring", "look", "ring"])] == ["ring", "look"]
    assert [action["action"] for action in made.offered(["look", "fly", "ring"])] == ["look", "ring"]
    assert made.offered(["fly"]) == made.offered([])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"default": "fly"}, "'fly', which 'actions' does not list"),
        ({"actions": {}}, "at least 1 item"),
        ({"actions": {"look": {"label": ""}}}, "at least 1 character"),
        ({"actions": {"look": {"label": "a", "words": "call"}}}, "valid list"),
        ({"actions": {"look": {"label": "a", "words": [""]}}}, "at least 1 character"),
        ({"actions": {"look": {"label": "a", "icon": "b"}}}, "Extra inputs"),
        (
            {"actions": {"look": {"label": "a", "spellings": ["see"]}, "view": {"label": "b", "spellings": ["SEE"]}}},
            "'SEE' stands for both 'look' and 'view'",
        ),
        (
            {"actions": {"look": {"label": "Send"}, "view": {"label": "b", "spellings": ["send"]}}},
            "'send' stands for both 'look' and 'view'",
        ),
        (
            {"actions": {"look": {"label": "Send Mail"}, "view": {"label": "send mail"}}},
            "'send mail' stands for both 'look' and 'view'",
        ),
        (
            {"actions": {"look": {"label": "a"}, "view": {"label": "b", "spellings": ["Look"]}}},
            "'Look' stands for both 'look' and 'view'",
        ),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        file(**changes)

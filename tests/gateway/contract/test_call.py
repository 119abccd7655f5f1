from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from gateway.contract import Chunk, Identity, Owner, Question
from tests.support.fakes import make_call


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"choices": [{"index": 0, "delta": {"content": "a"}}]}, "a"),
        ({"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}, "a"),
        ({"choices": [{"index": 1, "delta": {"content": "b"}}]}, ""),
        ({"choices": [{"delta": {"content": "a"}}]}, "a"),
        ({"choices": [{"index": 0, "delta": {"content": None}}]}, ""),
        ({"choices": [{"index": 0, "delta": None}]}, ""),
        ({"choices": []}, ""),
        ({"choices": None}, ""),
        ({"data": [{"embedding": [1.0]}]}, ""),
    ],
)
def test_a_chunk_s_text_is_what_it_adds_to_the_first_choice(data: dict[str, Any], text: str) -> None:
    assert Chunk(data).text == text


IDENTITIES = [
    Identity("a"),
    Identity("a", user="a"),
    Identity("b", user="b"),
    Identity("b", user="b", org="a"),
    Identity("b", user="a", org="b"),
    Identity("b", user="address", org="a"),
    Identity("ab"),
    Identity("x", user="ab"),
    Identity("x", user="b", org="x"),
    Identity("a", key="a"),
    Identity("a", key="b"),
]


def test_no_two_callers_share_a_subject() -> None:
    assert len({identity.subject for identity in IDENTITIES}) == len(IDENTITIES)


def test_a_named_user_is_the_same_wherever_it_calls_from() -> None:
    assert Identity("1.1.1.1", "ann", "acme", "c1").subject == Identity("2.2.2.2", "ann", "acme").subject


def test_a_call_is_not_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        make_call().model = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        make_call().learnt["x"] = 1  # type: ignore[index]


def test_memory_belongs_to_a_user_of_an_organisation() -> None:
    assert Identity("a").owner is None
    assert Identity("a", org="acme").owner is None
    assert Identity("a", "ann").owner == Owner("", "ann")
    assert Identity("a", "ann", "acme", "c1").owner == Owner("acme", "ann")


def test_who_names_no_conversation_has_one_of_their_own_that_can_be_named() -> None:
    ann, same, other = Identity("a", "ann"), Identity("b", "ann"), Identity("a", "ann", "acme")
    assert ann.session == same.session != other.session
    assert Identity("a", "ann", conversation=ann.session).session == ann.session
    assert Identity("a", "ann", conversation="c1").session == "c1"
    assert Identity("a").session is None
    assert Identity("a", conversation="c1").session == "c1"


@pytest.mark.parametrize(
    ("capabilities", "takes"), [(None, True), (set(), False), ({"toasts"}, False), ({"modals", "toasts"}, True)]
)
def test_a_screen_that_is_not_described_takes_modals(capabilities: set[str] | None, takes: bool) -> None:
    assert Question("a", {}, None if capabilities is None else frozenset(capabilities)).takes_modals is takes


def test_a_changed_call_keeps_its_trail() -> None:
    call = make_call()
    replace(call, model="other").trail.attempts = 3
    assert call.trail.attempts == 3
    assert make_call().trail.attempts == 0


def test_a_policy_s_own_words_are_a_chunk() -> None:
    assert Chunk.saying("a", {"n": 1}).text == "a"
    assert Chunk.saying("", {"n": 1}) == Chunk({"choices": []}, {"n": 1})
    assert Chunk.saying("", finish="stop").data["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(("has", "asked", "found"), [(None, 5.0, 5.0), (3.0, 5.0, 3.0), (8.0, 5.0, 5.0)])
def test_a_call_has_the_lesser_of_two_times(has: float | None, asked: float, found: float) -> None:
    assert make_call(seconds=has).within(asked) == found

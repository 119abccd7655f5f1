from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import Call, Chunk
from gateway.upstream.continuation import Joined, Rest, Said, continuable
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import deployment, make_call, piece

B = deployment("b")
PREFILLS = deployment("p", prefills=True)


def said(*chunks: Chunk | str) -> Said:
    made = Said()
    for chunk in chunks:
        made.note(piece(chunk) if isinstance(chunk, str) else chunk)
    return made


def call(**params: Any) -> Call:
    return make_call(params={**make_call().params, **params})


def messages(rest: Rest, to: Any = B) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rest.call(to).params["messages"]
    return found


def test_the_instruction_quotes_the_last_words_and_the_question_stays_as_it_was() -> None:
    asked = call(temperature=0.5)
    made = Rest(asked, said("one two three", " four five six seven", " eight"))
    user, assistant, instruction = messages(made)
    assert user == asked.params["messages"][0]
    assert assistant == {"role": "assistant", "content": "one two three four five six seven eight"}
    assert "three four five six seven eight" in instruction["content"]
    assert "two three four" not in instruction["content"]
    assert made.call(B).params["temperature"] == 0.5
    assert asked.params["messages"] == [user]


def test_a_beginning_of_the_caller_s_own_stays_in_front() -> None:
    own = {"role": "assistant", "content": "In short: "}
    asked = call(messages=[*make_call().params["messages"], own])
    assert messages(Rest(asked, said("the lead is", " warm ")), PREFILLS)[-1] == {
        "role": "assistant",
        "content": "In short: the lead is warm",
    }
    assert asked.params["messages"][-1] == own


@pytest.mark.parametrize(
    ("limits", "texts", "left"),
    [
        ({}, ["one"], {}),
        ({"max_tokens": 100}, ["a", "b", "c"], {"max_tokens": 97}),
        ({"max_completion_tokens": 100}, ["x" * 80], {"max_completion_tokens": 80}),
        ({"max_tokens": 3}, ["x" * 80], {"max_tokens": 1}),
    ],
)
def test_a_limit_is_what_was_not_used_of_it(limits: dict[str, int], texts: list[str], left: dict[str, int]) -> None:
    rest = Rest(call(**limits), said(*texts))
    params = rest.call(PREFILLS).params
    assert {key: params[key] for key in params if key != "messages"} == left
    asked = rest.call(B).params
    assert all(asked[key] > left[key] for key in left), "the last words are repeated"


@pytest.mark.parametrize(("kind", "anew"), [(Kind.REJECTED, True), (Kind.SERVER_ERROR, False), (Kind.REFUSED, False)])
def test_only_a_refused_beginning_is_asked_anew_and_once(kind: Kind, anew: bool) -> None:
    made = Rest(call(), said("one"))
    assert made.asked_anew(PREFILLS, Failure(kind)) is anew
    assert made.prefills(PREFILLS) is not anew
    assert not made.asked_anew(PREFILLS, Failure(Kind.REJECTED)) or not anew
    assert not made.asked_anew(B, Failure(Kind.REJECTED))


@pytest.mark.parametrize(
    ("texts", "splits"),
    [
        (["The", " lead", " is", " warm"], False),
        (["The ", "lead ", "is ", "warm"], False),
        (["The", " le", "ad", " is", " warm", " and", " ready"], False),
        (["The", " le", "ad ", "is ", "war", "m t", "oda", "y"], True),
        (["one"], False),
        ([], False),
    ],
)
def test_whether_pieces_end_within_words(texts: list[str], splits: bool) -> None:
    assert said(*texts).splits_words is splits


def test_what_has_only_been_thought_can_be_continued() -> None:
    assert continuable(call(), said(piece(role="assistant"), piece(reasoning_content="hm"), "one"))
    assert continuable(call(response_format={"type": "text"}), said("one"))


def joined(before: Said, *chunks: Chunk, prefilled: bool = False) -> list[Chunk]:
    seam = Joined(before, before.text, prefilled=prefilled)
    return [given for chunk in chunks for given in seam.take(chunk)]


def text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_a_tool_call_after_the_seam_comes_after_all_text() -> None:
    tool = [{"index": 0, "id": "c", "function": {"name": "look", "arguments": "{}"}}]
    given = joined(said("I will"), piece(" will"), piece(tool_calls=tool), piece(finish="tool_calls"))
    kinds = [sorted(chunk.data["choices"][0]["delta"]) for chunk in given if chunk.data["choices"][0]["delta"]]
    assert kinds.index(["tool_calls"]) == len(kinds) - 1 if ["tool_calls"] in kinds else kinds[-1][-1] == "tool_calls"
    assert given[-1].finish == "tool_calls"


def test_nothing_is_lost_of_usage_and_notes() -> None:
    usage = Chunk({"id": "other", "choices": [], "usage": {"total_tokens": 3}})
    given = joined(said(Chunk({**piece("one").data, "id": "first"})), piece(" two", "stop"), usage)
    assert text(given) == " two"
    assert given[-1].data == {"id": "first", "choices": [], "usage": {"total_tokens": 3}}


def test_another_answer_fails_wherever_that_shows() -> None:
    before = said("the lead is warm and has asked")
    with pytest.raises(Failure) as caught:
        joined(before, piece("the lead is warm and wants"), piece(" more"), piece(finish="stop"))
    assert caught.value.kind is Kind.DIVERGED


def test_an_answer_that_was_whole_gets_its_finish() -> None:
    given = joined(said("one", " two"), piece("one two"), piece(finish="stop"))
    assert (text(given), given[-1].finish) == ("", "stop")


@pytest.mark.parametrize("ends", ["stop", "length"])
def test_one_that_stops_within_the_words_it_begins_with_has_not_continued(ends: str) -> None:
    before = said("the quick brown fox jumps over the")
    seam = Joined(before, before.text, tail="quick brown fox jumps over the")
    list(seam.take(piece("quick brown fox")))
    if ends == "stop":
        with pytest.raises(Failure) as caught:
            list(seam.take(piece(finish=ends)))
        assert caught.value.kind is Kind.DIVERGED
        return
    assert text(list(seam.take(piece(finish=ends)))) == ""


@pytest.mark.parametrize("chunk", [piece(refusal="I can't."), piece(finish="content_filter")])
def test_a_refusal_to_go_on_is_one_whatever_its_status(chunk: Chunk) -> None:
    with pytest.raises(Failure) as caught:
        joined(said("one"), piece("one two"), chunk)
    assert caught.value.kind is Kind.REFUSED


def test_the_beginning_of_the_caller_s_own_is_not_said_twice() -> None:
    own = {"role": "assistant", "content": "Once upon a time, "}
    rest = Rest(call(messages=[*make_call().params["messages"], own]), said("the quick", " brown"))
    seam = Joined.of(rest, B)
    chunks = [piece("Once upon a time, the quick brown fox"), piece(finish="stop")]
    assert text([given for chunk in chunks for given in seam.take(chunk)]) == " fox"


@pytest.mark.parametrize(
    ("said_so_far", "may"),
    [
        ("one two", False),
        ("one two.", True),
        ("one. \n", True),
        ('He said: "Now!"', True),
        ("**Done.**", True),
        ("(one)", False),
        ("one,", False),
        ("The steps are:", False),
        ('He said: "', False),
        ("| a | b |", False),
    ],
)
def test_only_what_may_be_whole_may_be_left_at_that(said_so_far: str, may: bool) -> None:
    assert Rest(call(), said(said_so_far)).may_be_empty(B) is may
    assert Rest(call(), said(said_so_far), Kind.UNFINISHED).may_be_empty(B)

"""The comparison itself: what it finds, and what it takes for known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.differential import folding
from tests.differential.ledger import ABSENT, Known, compare

Json = dict[str, Any]


def played(left: Json, right: Json, **more: Any) -> Any:
    lanes = {"whole": left, "litellm": right}
    return {"lean": {}, "recorded": {}} | {
        name: {("c@m", "plain"): {"complaints": [], "sent": [], "got": got} | more.get(name, {})}
        for name, got in lanes.items()
    }


def known(**changes: Any) -> Known:
    listed: Json = {"cases": ["c@m"], "pairs": ["plain"], "at": ["got.*"], "kind": "harmless", "reason": "r"}
    return Known(**{**listed, **changes})


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, ["got.a"]),
        ({"a": None}, {}, ["got.a"]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ["got.a.1.b"]),
        ({"a": [1]}, {"a": [1, 2]}, ["got.a"]),
        ({"id": "call_" + "0" * 20}, {"id": "call_" + "1" * 20}, []),
        ({"id": "call_" + "0" * 20 + "__thought__x"}, {"id": "call_" + "1" * 20 + "__thought__y"}, ["got.id"]),
        ({"id": "call_a"}, {"id": "call_b"}, ["got.id"]),
        ({"created": 1_790_000_000}, {"created": 1_790_000_001}, []),
        ({"created": 1}, {"created": 2}, ["got.created"]),
    ],
)
def test_where_two_replies_differ(left: Json, right: Json, found: list[str]) -> None:
    assert [one.at for one in compare("c@m", played(left, right))] == found


def test_a_complaint_is_a_difference_though_both_have_it() -> None:
    bad = {"complaints": ["no role"]}
    found = [one.at for one in compare("c@m", played({}, {}, whole=bad, litellm=bad))]
    assert found == ["complaints of whole: no role", "complaints of litellm: no role"]


@pytest.mark.parametrize(
    ("entry", "knows"),
    [
        (known(), True),
        (known(cases=["*@m"], pairs=["stream", "plain"]), True),
        (known(cases=["d@m"]), False),
        (known(pairs=["stream"]), False),
        (known(at=["got.b"]), False),
        (known(left=1), True),
        (known(left=2), False),
        (known(right=ABSENT), True),
        (known(empty=True), False),
    ],
    ids=str,
)
def test_what_is_listed(entry: Known, knows: bool) -> None:
    [difference] = compare("c@m", played({"a": 1}, {}))
    assert entry.knows(difference) is knows


@pytest.mark.parametrize("value", [None, "", [], {}, 0, {"a": None, "b": {"c": []}}])
def test_empty_is_what_says_nothing(value: Any) -> None:
    [difference] = compare("c@m", played({"a": value}, {}))
    assert known(empty=True).knows(difference)


def test_what_is_listed_and_gone_is_told_by_case_and_pair() -> None:
    differences = compare("c@m", played({"a": 1}, {}))
    gone = list(known(cases=["c@m", "d@m"], pairs=["plain", "stream"]).gone(differences))
    assert [line.partition("]")[0] for line in gone] == ["c@m [stream", "d@m [plain", "d@m [stream"]


def test_what_occurs_sometimes_need_not() -> None:
    assert list(known(sometimes=True).gone([])) == []


def chunk(delta: Json, finish: str | None = None, index: int = 0, **more: Any) -> Json:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


ROLE, END = chunk({"role": "assistant", "content": "a"}), chunk({}, "stop")


@pytest.mark.parametrize(
    ("chunks", "complaint"),
    [
        ([ROLE, END], None),
        ([ROLE], "a choice has no finish reason"),
        ([END], "a choice does not begin with its role"),
        ([ROLE, ROLE, END], "a choice tells its role twice"),
        ([ROLE, END, chunk({"content": "b"})], "a choice goes on after its finish reason"),
        ([ROLE, END | {"id": "j"}], "id changes"),
        ([ROLE | {"usage": None}, END], "usage was not asked for"),
        ([ROLE, chunk({}, "eos")], "choices.finish_reason: literal_error"),
    ],
)
def test_chunks_that_are_not_well_formed(chunks: list[Json], complaint: str | None) -> None:
    found = folding.complaints_of_stream(chunks, model="m", usage=False, done=True)
    assert found == ([] if complaint is None else [complaint])


def test_chunks_are_put_together() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": "{}"}}
    made = folding.folded([ROLE, chunk({"content": "b", "tool_calls": [call]}), chunk({"tool_calls": [more]}), END])
    delta = made["choices"]["0"]["delta"]
    assert (delta["role"], delta["content"]) == ("assistant", "ab")
    assert delta["tool_calls"] == {"0": {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}}

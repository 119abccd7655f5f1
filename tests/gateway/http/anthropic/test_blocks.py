from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.anthropic.blocks import Blocks
from tests.support.fakes import PROPERTY

Json = dict[str, Any]


def call(index: int = 0, arguments: str | None = None, **head: Any) -> Json:
    function = {key: head.pop(key) for key in ("name",) if key in head}
    if arguments is not None:
        function["arguments"] = arguments
    return {"tool_calls": [{"index": index, **head, "function": function}]}


def events(*deltas: Json, thoughts: bool = True) -> list[Json]:
    blocks = Blocks(thoughts=thoughts)
    return [event for delta in deltas for event in blocks.take(delta)] + list(blocks.end())


def put_together(events: list[Json]) -> list[Json]:
    """The blocks, as a client puts them together; they come one after another, numbered from 0."""
    made: list[Json] = []
    open_ = False
    for event in events:
        if event["type"] == "content_block_start":
            assert not open_ and event["index"] == len(made)
            open_ = True
            made.append(dict(event["content_block"]) | {"pieces": []})
        elif event["type"] == "content_block_delta":
            assert open_ and event["index"] == len(made) - 1
            (text,) = (value for key, value in event["delta"].items() if key != "type")
            made[-1]["pieces"].append(text)
        else:
            assert event == {"type": "content_block_stop", "index": len(made) - 1}
            open_ = False
    assert not open_
    return made


def texts(*deltas: Json, **more: Any) -> list[tuple[str, str]]:
    return [(one["type"], "".join(one["pieces"])) for one in put_together(events(*deltas, **more))]


def test_a_text_is_one_block_sent_as_it_comes() -> None:
    blocks = Blocks(thoughts=False)
    assert list(blocks.take({"role": "assistant", "content": ""})) == []
    assert list(blocks.take({"content": "Hel"})) == [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    ]
    assert list(blocks.take({"content": "lo"})) == [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}}
    ]
    assert list(blocks.end()) == [{"type": "content_block_stop", "index": 0}]
    assert not blocks.calls and not blocks.refused


def test_thoughts_are_a_block_before_the_text_where_they_are_shown() -> None:
    deltas = {"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "yes"}
    assert texts(*deltas) == [("thinking", "hm"), ("text", "yes")]
    assert texts(*deltas, thoughts=False) == [("text", "yes")]
    (start, delta, *_) = events(*deltas)
    assert start["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert delta["delta"] == {"type": "thinking_delta", "thinking": "h"}


def test_a_refusal_is_text_and_noted() -> None:
    blocks = Blocks(thoughts=False)
    assert [event["type"] for event in blocks.take({"refusal": "I won't."})][1] == "content_block_delta"
    assert blocks.refused


def test_a_call_is_a_block_of_pieces_of_json() -> None:
    deltas = call(0, "", id="c1", name="look"), call(0, '{"a"'), call(0, ": 1}")
    start, first, second, stop = events(*deltas)
    block = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    assert start == {"type": "content_block_start", "index": 0, "content_block": block}
    assert first["delta"] == {"type": "input_json_delta", "partial_json": '{"a"'}
    assert second["delta"] == {"type": "input_json_delta", "partial_json": ": 1}"}
    assert stop == {"type": "content_block_stop", "index": 0}


def test_calls_one_after_another_are_sent_as_they_come() -> None:
    blocks = Blocks(thoughts=False)
    list(blocks.take(call(0, '{"a": 1}', id="c1", name="one")))
    now = list(blocks.take(call(1, '{"b"', id="c2", name="two")))
    assert [event["type"] for event in now] == ["content_block_stop", "content_block_start", "content_block_delta"]
    assert now[1]["content_block"]["id"] == "c2"
    assert [event["index"] for event in now] == [0, 1, 1]


def test_calls_side_by_side_keep_a_block_each() -> None:
    deltas = [
        call(0, '{"a"', id="c1", name="one"),
        call(1, '{"b"', id="c2", name="two"),
        call(0, ": 1"),
        call(1, ": 2}"),
        call(0, "}"),
        {"content": "done"},
    ]
    made = put_together(events(*deltas))
    assert [(one.get("id"), "".join(one["pieces"])) for one in made] == [
        ("c1", '{"a": 1}'),
        ("c2", '{"b": 2}'),
        (None, "done"),
    ]


def test_a_text_beside_a_call_under_way_waits_for_its_end() -> None:
    deltas = call(0, '{"a"', id="c1", name="one"), {"content": "by "}, {"content": "the way"}, call(0, ": 1}")
    assert texts(*deltas) == [("tool_use", '{"a": 1}'), ("text", "by the way")]


def test_a_call_that_is_never_whole_is_sent_as_far_as_it_came() -> None:
    assert texts(call(0, '{"a', id="c1", name="one"), call(1, "{}", id="c2", name="two")) == [
        ("tool_use", '{"a'),
        ("tool_use", "{}"),
    ]


def test_a_call_without_arguments_has_a_block() -> None:
    deltas = call(0, id="c1", name="one"), call(1, id="c2", name="two")
    assert [(one["id"], one["pieces"]) for one in put_together(events(*deltas))] == [("c1", []), ("c2", [])]


def test_another_id_under_the_same_index_is_another_call() -> None:
    deltas = call(0, '{"a": 1}', id="c1", name="one"), call(0, '{"b": 2}', id="c2", name="two")
    assert [one["id"] for one in put_together(events(*deltas))] == ["c1", "c2"]


def test_a_call_begins_once_its_name_is_known_and_has_an_id_in_any_case() -> None:
    blocks = Blocks(thoughts=False)
    assert list(blocks.take(call(0, "{"))) == []
    start, *_ = blocks.take(call(0, "}", name="one"))
    assert start["content_block"]["name"] == "one"
    assert start["content_block"]["id"].startswith("toolu_")
    assert blocks.calls


@pytest.mark.parametrize("more", [" ", "\n", "}", '{"x": 1}'])
def test_what_follows_whole_arguments_is_no_part_of_them(more: str) -> None:
    deltas = [
        call(0, '{"a": 1}', id="c1", name="one"),
        call(1, '{"b": 2}', id="c2", name="two"),
        call(0, more),
    ]
    assert texts(*deltas) == [("tool_use", '{"a": 1}'), ("tool_use", '{"b": 2}')]


PIECES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=30)


@PROPERTY
@given(PIECES, st.lists(st.text(max_size=3), min_size=4, max_size=4))
def test_however_calls_are_mixed_each_comes_out_whole(pieces: list[tuple[int, int]], values: list[str]) -> None:
    wanted = {index: json.dumps({"v": value}) for index, value in enumerate(values)}
    left = dict(wanted)
    deltas: list[Json] = []
    for index, size in [*pieces, *((index, 100) for index in range(4))]:
        begun = any(delta["tool_calls"][0]["index"] == index for delta in deltas)
        piece, left[index] = left[index][:size], left[index][size:]
        deltas.append(call(index, piece, **({} if begun else {"id": f"c{index}", "name": "f"})))
    made = put_together(events(*deltas))
    assert {one["id"]: "".join(one["pieces"]) for one in made} == {f"c{index}": text for index, text in wanted.items()}
    assert len(made) == 4

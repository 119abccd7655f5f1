from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.responses.output import Output
from tests.support.fakes import PROPERTY


def chunk(finish: str | None = None, *, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def calling(
    index: int | None, arguments: str = "", *, name: str | None = None, call_id: str | None = None
) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return chunk(tool_calls=[{"index": index, "function": function, **({"id": call_id} if call_id else {})}])


def played(*chunks: dict[str, Any]) -> tuple[Output, list[dict[str, Any]]]:
    output = Output()
    events = [event for data in chunks for event in output.take(data)]
    return output, events + list(output.end())


def told(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(event["type"].removeprefix("response."), event["output_index"]) for event in events]


def gathered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items as a client puts them together from the events, but for their last one, which has the whole."""
    items: dict[int, dict[str, Any]] = {}
    for event in events:
        kind, place = event["type"].removeprefix("response."), event["output_index"]
        if kind == "output_item.added":
            assert place == len(items)
            items[place] = event["item"]
        item = items[place]
        if kind == "content_part.added":
            item["content"].append(event["part"])
        if kind == "reasoning_summary_part.added":
            item["summary"].append(event["part"])
        if kind == "reasoning_summary_text.delta":
            item["summary"][event["summary_index"]]["text"] += event["delta"]
        if kind == "function_call_arguments.delta":
            item["arguments"] += event["delta"]
        if kind in ("output_text.delta", "refusal.delta"):
            part = item["content"][event["content_index"]]
            part["text" if "text" in part else "refusal"] += event["delta"]
        if kind == "output_item.done":
            assert {**item, "status": ""} == {**event["item"], "status": ""}
            item["status"] = event["item"]["status"]
    return list(items.values())


def test_a_text_is_one_message() -> None:
    output, events = played(chunk(role="assistant", content=""), chunk(content="a"), chunk(content="b"), chunk("stop"))
    assert told(events) == [
        ("output_item.added", 0),
        ("content_part.added", 0),
        ("output_text.delta", 0),
        ("output_text.delta", 0),
        ("output_text.done", 0),
        ("content_part.done", 0),
        ("output_item.done", 0),
    ]
    (item,) = output.items()
    assert (item["content"][0]["text"], item["status"], output.reason) == ("ab", "completed", None)


def test_reasoning_ends_where_the_answer_begins() -> None:
    output, events = played(
        chunk(reasoning_content="hm"), chunk(content="a"), chunk(reasoning_content="so"), chunk("stop", content="b")
    )
    assert [item["type"] for item in output.items()] == ["reasoning", "message", "reasoning"]
    assert told(events).index(("output_item.done", 0)) < told(events).index(("output_item.added", 1))
    assert output.items()[1]["content"][0]["text"] == "ab"
    assert gathered(events) == output.items()


def test_calls_whose_pieces_come_mixed_are_told_apart() -> None:
    output, events = played(
        calling(0, name="f", call_id="c1"),
        calling(1, '{"b"', name="g", call_id="c2"),
        calling(0, "{}"),
        calling(1, ": 1}"),
        chunk("tool_calls"),
    )
    assert [(i["call_id"], i["name"], i["arguments"]) for i in output.items()] == [
        ("c1", "f", "{}"),
        ("c2", "g", '{"b": 1}'),
    ]
    assert gathered(events) == output.items()


def test_a_call_is_told_once_its_name_is_there() -> None:
    output, events = played(calling(0, call_id="c1"), calling(0, "{"), calling(0, "}", name="f"), chunk("tool_calls"))
    (item,) = output.items()
    assert (item["call_id"], item["name"], item["arguments"]) == ("c1", "f", "{}")
    assert gathered(events) == output.items()


def test_another_id_is_another_call() -> None:
    output, _ = played(calling(0, "{}", name="f", call_id="c1"), calling(0, "{}", name="f", call_id="c2"))
    assert [item["call_id"] for item in output.items()] == ["c1", "c2"]


def test_a_call_without_an_id_is_given_one() -> None:
    output, _ = played(calling(0, "{}", name="f"), calling(0, ""))
    (item,) = output.items()
    assert item["call_id"].startswith("call_")


def test_a_signature_goes_along() -> None:
    piece = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}}
    output, _ = played(chunk(tool_calls=[{**piece, "provider_specific_fields": {"a": "b"}}]))
    assert output.items()[0]["provider_specific_fields"] == {"a": "b"}


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("stop", None), ("tool_calls", None)],
)
def test_the_last_item_of_an_incomplete_answer_is_incomplete(finish: str, reason: str | None) -> None:
    output, _ = played(chunk(content="a"), calling(0, "{", name="f", call_id="c1"), chunk(finish))
    assert output.reason == reason
    assert [item["status"] for item in output.items()] == ["completed", "incomplete" if reason else "completed"]


def test_what_was_begun_by_one_that_broke_off_is_incomplete() -> None:
    output = Output()
    for data in (chunk(reasoning_content="hm"), chunk(content="a")):
        list(output.take(data))
    assert [item["status"] for item in output.items()] == ["completed", "in_progress"]
    output.abandon()
    assert [item["status"] for item in output.items()] == ["completed", "incomplete"]


def test_other_choices_are_not_told() -> None:
    output, events = played(chunk(content="a", index=1), {"choices": [], "usage": {}})
    assert (output.items(), events) == ([], [])


TEXTS = st.text(min_size=1, max_size=3)
DELTAS = st.one_of(
    st.builds(lambda text: chunk(content=text), TEXTS),
    st.builds(lambda text: chunk(refusal=text), TEXTS),
    st.builds(lambda text: chunk(reasoning_content=text), TEXTS),
    st.builds(lambda place, text: calling(place, text, name="f", call_id=f"c{place}"), st.integers(0, 3), TEXTS),
)


@PROPERTY
@given(st.lists(DELTAS, max_size=12), st.sampled_from(["stop", "length", "tool_calls"]))
def test_the_events_make_the_whole_whatever_comes(chunks: list[dict[str, Any]], finish: str) -> None:
    output, events = played(*chunks, chunk(finish))
    assert gathered(events) == output.items()
    assert [item["status"] for item in output.items()].count("in_progress") == 0

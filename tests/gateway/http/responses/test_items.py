from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import ResponseOutputItem, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.http.responses.items import FunctionCall, Item, Message, Reasoning, new_id

ITEM: TypeAdapter[Any] = TypeAdapter(ResponseOutputItem)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def message() -> Message:
    return Message(2)


def checked(events: Any) -> list[dict[str, Any]]:
    made = list(events)
    for event in made:
        told = EVENT.validate_python({**event, "sequence_number": 0}, strict=True)
        assert told.type == event["type"]
    return made


@pytest.mark.parametrize(
    "item",
    [Reasoning(0), Message(0), FunctionCall(0, "c1", "f", {})],
    ids=["reasoning", "message", "function call"],
)
def test_an_item_begins_empty_and_ends_whole(item: Item) -> None:
    first, *_ = checked(item.begin())
    *_, last = checked(item.end("incomplete"))
    assert (first["type"], first["item"]["status"]) == ("response.output_item.added", "in_progress")
    assert (last["type"], last["item"]) == ("response.output_item.done", item.body("incomplete"))
    assert first["item"]["id"] == last["item"]["id"]
    ITEM.validate_python(last["item"], strict=True)


def test_reasoning_is_a_summary_of_one_part() -> None:
    item = Reasoning(1)
    events = checked([*item.begin(), *item.add("a"), *item.add("b"), *item.end("completed")])
    assert [event["type"].removeprefix("response.") for event in events] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert {event["output_index"] for event in events} == {1}
    assert [event["delta"] for event in events if "delta" in event] == ["a", "b"]
    assert item.body("completed")["summary"] == [{"type": "summary_text", "text": "ab"}]


def test_a_call_s_arguments_grow() -> None:
    item = FunctionCall(0, "c1", "f", {"provider_specific_fields": {"a": "b"}})
    checked(item.begin())
    checked(item.add('{"a"'))
    checked(item.add(": 1}"))
    done, _ = checked(item.end("completed"))
    assert (done["name"], done["arguments"], done["item_id"]) == ("f", '{"a": 1}', item.body("completed")["id"])
    assert (item.call_id, item.body("completed")["provider_specific_fields"]) == ("c1", {"a": "b"})


def test_a_message_turns_from_text_to_refusal_and_back() -> None:
    item = message()
    events = checked([*item.begin(), *item.say("a"), *item.say("b"), *item.refuse("no"), *item.say("c")])
    events += checked(item.end("completed"))
    content = item.body("completed")["content"]
    assert [part.get("text") or part.get("refusal") for part in content] == ["ab", "no", "c"]
    assert [part["type"] for part in content] == ["output_text", "refusal", "output_text"]
    added = [event for event in events if event["type"] == "response.content_part.added"]
    done = [event for event in events if event["type"] == "response.content_part.done"]
    assert [event["content_index"] for event in added] == [event["content_index"] for event in done] == [0, 1, 2]
    assert [event["part"] for event in done] == content
    assert all(not (event["part"].get("text") or event["part"].get("refusal")) for event in added)


def test_log_probabilities_stand_with_their_piece_and_in_the_whole() -> None:
    item, token = message(), {"token": "é", "logprob": -0.5, "bytes": None}
    likely = [{"token": "e", "logprob": -0.1, "bytes": [101]}]
    (delta,) = [e for e in checked(item.say("é", [{**token, "top_logprobs": likely}])) if "delta" in e]
    expected = [{"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": likely}]
    assert delta["logprobs"] == expected == item.body("completed")["content"][0]["logprobs"]


def test_ids_are_never_the_same() -> None:
    assert new_id("msg") != new_id("msg")
    assert new_id("msg").startswith("msg_")

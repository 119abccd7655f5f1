from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.contract import InvalidRequest
from gateway.http import foreign, schema
from gateway.http.anthropic.messages import FAILED, chat_messages
from gateway.http.schema.anthropic import COUNT
from gateway.http.schema.chat import CHAT

PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}}


def made(*messages: Any, system: Any = None) -> list[dict[str, Any]]:
    """The chat's messages, which are held against the chat's own schema."""
    body = {"model": "m", "messages": list(messages), **({} if system is None else {"system": system})}
    schema.check(COUNT, body)
    chat = chat_messages(body)
    schema.check(CHAT, {"model": "m", "messages": chat})
    return chat


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


HI = {"role": "user", "content": "hi"}


def test_texts_stay_as_they_are() -> None:
    assert made(HI, {"role": "assistant", "content": "ho"}, HI) == [HI, {"role": "assistant", "content": "ho"}, HI]
    assert made(user(said("hi"))) == [HI]
    assert made(user(said("a"), said("b")))[0]["content"] == [foreign.text("a"), foreign.text("b")]


def test_the_system_s_words_come_first_or_where_they_stand() -> None:
    cached = said("be nice") | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert made(HI, system="be nice")[0] == {"role": "system", "content": "be nice"}
    assert made(HI, system=[cached])[0] == {"role": "system", "content": "be nice"}
    assert [one["type"] for one in made(HI, system=[said("a"), said("b")])[0]["content"]] == ["text", "text"]
    assert made(HI, system="") == made(HI, system=[]) == [HI]
    assert [one["role"] for one in made(HI, {"role": "system", "content": "now"}, HI)] == ["user", "system", "user"]


def test_images_come_as_data_or_by_their_address() -> None:
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    assert made(user(said("see"), PNG, url))[0]["content"] == [
        foreign.text("see"),
        foreign.image("data:image/png;base64,AA=="),
        foreign.image("https://example.com/a.png"),
    ]


def document(source: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    (message,) = made(user({"type": "document", "source": source, **more}, said("sum up")))
    parts: list[dict[str, Any]] = message["content"]
    assert parts.pop() == foreign.text("sum up")
    return parts


def test_a_document_is_a_file_or_its_text_behind_what_it_is_called() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "AA=="}
    file = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,AA=="}
    assert document(pdf) == [{"type": "file", "file": file}]
    assert document(pdf, title="Plan.PDF", context="old")[:2] == [foreign.text("Plan.PDF"), foreign.text("old")]
    assert document(pdf, title="Plan.PDF")[-1]["file"]["filename"] == "Plan.PDF"
    plain = {"type": "text", "media_type": "text/plain", "data": "words"}
    assert document(plain, citations={"enabled": False}) == [foreign.text("words")]
    assert document({"type": "content", "content": "words"}) == [foreign.text("words")]
    assert document({"type": "content", "content": [said("a"), PNG]})[1]["type"] == "image_url"


def test_what_was_found_is_text() -> None:
    found = {"type": "search_result", "source": "https://a", "title": "A", "content": [said("one"), said("two")]}
    assert made(user(found)) == [{"role": "user", "content": "A\nhttps://a\none\ntwo"}]


def result(content: Any = None, **more: Any) -> list[dict[str, Any]]:
    block = {"type": "tool_result", "tool_use_id": "t1", **({} if content is None else {"content": content}), **more}
    return made(HI, {"role": "assistant", "content": [USE]}, user(said("and?"), block))[2:]


def test_a_tool_s_result_stands_right_behind_its_call() -> None:
    tool, rest = result("rain")
    assert tool == {"role": "tool", "tool_call_id": "t1", "content": "rain"}
    assert rest == {"role": "user", "content": "and?"}
    assert result([said("a"), said("b")])[0]["content"] == "a\nb"
    assert result()[0]["content"] == ""


def test_a_tool_that_failed_is_said_to_have() -> None:
    assert result("no such city", is_error=True)[0]["content"] == FAILED + "no such city"
    assert result(is_error=True)[0]["content"] == FAILED
    assert result("fine", is_error=False)[0]["content"] == "fine"


def test_an_image_in_a_result_follows_as_the_user_s() -> None:
    tool, rest = result([said("here"), PNG])
    assert tool["content"] == "here"
    assert [part["type"] for part in rest["content"]] == ["text", "text", "image_url"]
    assert "t1" in rest["content"][1]["text"]


def test_results_alone_are_no_message_of_the_user_s() -> None:
    blocks = [{"type": "tool_result", "tool_use_id": name, "content": name} for name in ("t1", "t2")]
    chat = made(HI, {"role": "assistant", "content": [USE, {**USE, "id": "t2"}]}, user(*blocks))
    assert [one["role"] for one in chat] == ["user", "assistant", "tool", "tool"]


def test_an_answer_comes_back_without_its_thoughts() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        said("a") | {"citations": None},
        said("b"),
        USE | {"caller": {"type": "direct"}, "toolset_name": None},
    ]
    message = made(HI, {"role": "assistant", "content": blocks})[1]
    (call,) = message.pop("tool_calls")
    assert message == {"role": "assistant", "content": "ab"}
    assert (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) == ("t1", "look", {"a": 1})
    assert made(HI, {"role": "assistant", "content": blocks[:2]}) == [HI]
    assert made(HI, {"role": "assistant", "content": [USE]})[1]["content"] is None


def test_nothing_to_answer_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        made({"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}, system="be nice")
    assert caught.value.param == "messages"

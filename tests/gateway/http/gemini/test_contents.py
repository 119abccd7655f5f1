from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gateway.contract import InvalidRequest
from gateway.http import foreign, schema
from gateway.http.gemini.contents import chat_messages
from gateway.http.schema.chat import CHAT
from gateway.http.schema.gemini import GENERATE

HI = {"role": "user", "parts": [{"text": "hi"}]}


def made(*contents: Any, system: Any = None) -> list[dict[str, Any]]:
    """The chat's messages, which are held against the chat's own schema."""
    asked: Any = schema.check(GENERATE, {"contents": list(contents), "systemInstruction": system})
    chat = chat_messages(asked.get("system_instruction"), asked["contents"])
    schema.check(CHAT, {"model": "m", "messages": chat})
    return chat


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def call(name: str = "look", **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {"a": 1}, **more}}


def response(name: str = "look", **more: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": {"result": "found"}, **more}}


def test_a_conversation_is_one_of_a_chat() -> None:
    assert made(HI, model({"text": "ho"}), {"parts": {"text": "hi"}}) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ho"},
        {"role": "user", "content": "hi"},
    ]
    assert made("hi") == [{"role": "user", "content": "hi"}]
    assert made(user({"text": "a"}, {"text": "b"}))[0]["content"] == [foreign.text("a"), foreign.text("b")]


def test_the_system_s_words_come_first() -> None:
    assert made(HI, system={"parts": {"text": "be nice"}})[0] == {"role": "system", "content": "be nice"}
    assert made(HI, system="be nice")[0] == {"role": "system", "content": "be nice"}
    assert len(made(HI, system={"parts": [{"text": ""}]})) == len(made(HI, system={})) == 1


def test_the_pieces_of_a_stream_are_one_answer_again() -> None:
    pieces = model({"text": "Hel"}), model({"text": "lo"}), model({"text": ""}), model(call())
    chat = made(HI, *pieces, user(response()))
    assert [one["role"] for one in chat] == ["user", "assistant", "tool"]
    assert chat[1]["content"] == "Hello"
    assert len(chat[1]["tool_calls"]) == 1


def test_thoughts_are_passed_over() -> None:
    assert made(HI, model({"text": "hm", "thought": True}, {"text": "yes"}))[1]["content"] == "yes"
    assert len(made(HI, model({"text": "hm", "thought": True}), HI)) == 3 - 1


def test_a_call_keeps_its_id_and_its_signature() -> None:
    part = call(id="c1") | {"thoughtSignature": "c2ln"}
    (made_call,) = made(HI, model(part))[1]["tool_calls"]
    assert made_call["id"] == "c1"
    assert json.loads(made_call["function"]["arguments"]) == {"a": 1}
    assert made_call["provider_specific_fields"] == {"thought_signature": "c2ln"}


def answered(chat: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each result's call, by that call's own arguments' text, and the result."""
    calls = {one["id"]: one["function"]["name"] for message in chat for one in message.get("tool_calls", ())}
    return [(calls[one["tool_call_id"]], one["content"]) for one in chat if one["role"] == "tool"]


def test_results_belong_to_their_calls_by_id_or_in_order() -> None:
    named = made(
        HI,
        model(call("a", id="1"), call("b", id="2")),
        user(response("b", id="2"), response("a", id="1"), {"text": "?"}),
    )
    assert [one.get("tool_call_id") for one in named] == [None, None, "2", "1", None]
    assert named[-1] == {"role": "user", "content": "?"}
    unnamed = made(
        HI,
        model(call("a"), call("b"), call("a")),
        {"role": "function", "parts": [response("a"), response("b"), response("a")]},
    )
    ids = [one["id"] for one in unnamed[1]["tool_calls"]]
    assert len(set(ids)) == 3
    assert [one["tool_call_id"] for one in unnamed[2:]] == ids
    assert [name for name, _ in answered(unnamed)] == ["a", "b", "a"]
    assert json.loads(unnamed[2]["content"]) == {"result": "found"}


@pytest.mark.parametrize(
    "contents",
    [
        [user(response())],
        [HI, model(call("other")), user(response())],
        [HI, model(call(id="1")), user(response(id="2"))],
        [HI, model(call()), user(response(), response())],
    ],
)
def test_a_result_without_a_call_is_refused(contents: list[Any]) -> None:
    with pytest.raises(InvalidRequest, match="no call of the function 'look'") as caught:
        made(*contents)
    assert str(caught.value.param).endswith("functionResponse")


def blob(kind: str, data: bytes = b"\xfb\xff\xfe", **more: Any) -> dict[str, Any]:
    # As Google's clients write it: base64 for addresses.
    return {"inlineData": {"mimeType": kind, "data": base64.urlsafe_b64encode(data).decode(), **more}}


def test_data_comes_as_what_it_is() -> None:
    image, sound, words, file = made(
        user(blob("image/png"), blob("audio/mpeg"), blob("text/plain", "é".encode()), blob("application/pdf"))
    )[0]["content"]
    assert image == foreign.image("data:image/png;base64,+//+")
    assert sound == {"type": "input_audio", "input_audio": {"data": "+//+", "format": "mp3"}}
    assert words == foreign.text("é")
    assert file["file"] == {"filename": "file.pdf", "file_data": "data:application/pdf;base64,+//+"}
    (named,) = made(user(blob("application/pdf", displayName="plan.pdf")))[0]["content"]
    assert named["file"]["filename"] == "plan.pdf"


def test_an_image_s_address_is_passed_on_and_no_other_file_s() -> None:
    uri = "https://example.com/a.png"
    for kind in ({"mimeType": "image/png"}, {}):
        assert made(user({"fileData": {"fileUri": uri, **kind}}))[0]["content"] == [foreign.image(uri)]
    with pytest.raises(InvalidRequest) as caught:
        made(HI, user({"text": "see"}, {"fileData": {"fileUri": uri, "mimeType": "video/mp4"}}))
    assert caught.value.param == "contents[1].parts[1].fileData"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"text": "a", "inlineData": {"mimeType": "image/png", "data": "AA=="}}, "contents[0].parts[0]"),
        ({"inlineData": {"mimeType": "text/plain", "data": "!"}}, "contents[0].parts[0].inlineData.data"),
        ({"inlineData": {"mimeType": "text/plain", "data": "/w=="}}, "contents[0].parts[0].inlineData.data"),
    ],
)
def test_a_part_that_can_t_be_understood_is_named(part: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        made(user(part))
    assert caught.value.param == param


@pytest.mark.parametrize("content", [{}, {"parts": []}, {"parts": [{"text": ""}]}, {"role": "model", "parts": [{}]}])
def test_nothing_to_answer_is_refused(content: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        made(content, system="be nice")
    assert caught.value.param == "contents"

"""Gemini's contents as a chat's messages.

A call without an id is given one, and a function's response belongs to the call of its id or, without one, to the first
of its name that has none yet. Thoughts are passed over; a thought's signature goes with the call that it came with.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from gateway.contract import InvalidRequest
from gateway.http import foreign

Json = dict[str, Any]
AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}
DATA = ("text", "inline_data", "file_data", "function_call", "function_response")
#: Google's clients write base64 in the form for addresses, which nobody else reads.
STANDARD = str.maketrans("-_", "+/")


def chat_messages(system: Json | None, contents: list[Json]) -> list[Json]:
    """All messages, the system's first; raises InvalidRequest naming the part that has no place in a chat."""
    conversation = _Conversation()
    for number, content in enumerate(contents):
        conversation.add(content, f"contents[{number}]")
    if not conversation.messages:
        raise InvalidRequest("'contents' hold nothing that could be answered.", param="contents")
    said = [foreign.text(part["text"]) for part in (system or {}).get("parts") or () if part.get("text")]
    first = [{"role": "system", "content": foreign.content(said)}] if said else []
    return first + conversation.messages


class _Conversation:
    """The messages so far, and the calls in them that were not answered, each as its id and name."""

    def __init__(self) -> None:
        self.messages: list[Json] = []
        self._open: list[tuple[str, str]] = []
        self._calls = 0

    def add(self, content: Json, where: str) -> None:
        parts = [(part, f"{where}.parts[{number}]") for number, part in enumerate(content.get("parts") or ())]
        for part, place in parts:
            if sum(part.get(kind) is not None for kind in DATA) > 1:
                raise InvalidRequest(f"'{place}' has more than one kind of data.", param=place)
        if content.get("role") == "model":
            self._model([part for part, _ in parts if not part.get("thought")])
        else:
            self._user(parts)

    def _model(self, parts: list[Json]) -> None:
        """An answer. Clients keep each piece of a stream as a content of its own: these are one message."""
        texts = [part["text"] for part in parts if part.get("text")]
        calls = [self._call(part) for part in parts if part.get("function_call")]
        if not texts and not calls:
            return
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.messages.append({"role": "assistant", "content": None})
        message = self.messages[-1]
        if texts:
            message["content"] = (message["content"] or "") + "".join(texts)
        if calls:
            message["tool_calls"] = message.get("tool_calls", []) + calls

    def _call(self, part: Json) -> Json:
        called, signature = part["function_call"], part.get("thought_signature")
        self._calls += 1
        identifier = called.get("id") or f"call_{self._calls}"
        self._open.append((identifier, called["name"]))
        call = foreign.tool_call(called["name"], identifier, called.get("args") or {})
        return call | {"provider_specific_fields": {"thought_signature": signature}} if signature else call

    def _user(self, parts: list[tuple[Json, str]]) -> None:
        """The results of functions, each a message, and the rest: a chat wants them right behind their calls."""
        said: list[Json] = []
        for part, place in parts:
            if part.get("function_response") is not None:
                self.messages.append(self._result(part["function_response"], f"{place}.functionResponse"))
            else:
                said += _part(part, place)
        if said:
            self.messages.append({"role": "user", "content": foreign.content(said)})

    def _result(self, response: Json, place: str) -> Json:
        identifier, name = response.get("id"), response["name"]
        found = next((call for call in self._open if identifier in (None, "", call[0]) and name == call[1]), None)
        if found is None:
            raise InvalidRequest(f"There is no call of the function {name!r} before its response.", param=place)
        self._open.remove(found)
        content = orjson.dumps(response.get("response") or {}).decode()
        return {"role": "tool", "tool_call_id": found[0], "content": content}


def _part(part: Json, place: str) -> list[Json]:
    """A part of the user's that is no function's."""
    if part.get("text"):
        return [foreign.text(part["text"])]
    if part.get("inline_data") is not None:
        return [_inline(part["inline_data"], f"{place}.inlineData")]
    if part.get("file_data") is not None:
        return [_file(part["file_data"], f"{place}.fileData")]
    return []


def _inline(blob: Json, place: str) -> Json:
    kind, data = blob["mime_type"].lower(), blob["data"].translate(STANDARD)
    if kind.startswith("image/"):
        return foreign.image(foreign.data_url(kind, data))
    if kind in AUDIO:
        return {"type": "input_audio", "input_audio": {"data": data, "format": AUDIO[kind]}}
    if kind.startswith("text/"):
        try:
            return foreign.text(base64.b64decode(data, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidRequest(f"'{place}.data' is no base64 of a text in UTF-8.", param=f"{place}.data") from None
    name = blob.get("display_name") or f"file.{kind.partition('/')[2]}"
    return {"type": "file", "file": {"filename": name, "file_data": foreign.data_url(kind, data)}}


def _file(file: Json, place: str) -> Json:
    """By its address an image goes to models that fetch it themselves; other files have no address in a chat."""
    kind = file.get("mime_type") or "image/*"
    if not kind.startswith("image/"):
        raise InvalidRequest(f"'{place}' can only be an image; send other files as inlineData.", param=place)
    return foreign.image(file["file_uri"])

"""Gathers the pieces of a chat into one reply, as OpenAI defines the fields of both.

Texts are joined once, at the end: to add each piece to what has come so far would take time as its square.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.contract import Chunk

Json = dict[str, Any]
JOINED = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
TOP_FIELDS = ("id", "created", "model", "system_fingerprint", "service_tier", "usage")


def completion(chunks: Iterable[Chunk]) -> Json:
    """The ``chat.completion`` object that the chunks make together."""
    fold = Fold()
    for chunk in chunks:
        fold.add(chunk.data)
    return fold.reply()


def text(reply: Mapping[str, Any]) -> str:
    """The first choice's text, or an empty string."""
    choices = reply.get("choices") or ()
    return (choices[0]["message"].get("content") or "") if choices else ""


class Fold:
    """Takes in ``chat.completion.chunk`` objects, a gateway's own or a provider's, and changes none."""

    def __init__(self) -> None:
        self._top: Json = {"object": "chat.completion"}
        self._choices: dict[int, _Choice] = {}

    def add(self, data: Mapping[str, Any]) -> None:
        """Take in one of them."""
        for key in TOP_FIELDS:
            if data.get(key) is not None:
                self._top[key] = data[key]
        for piece in data.get("choices") or ():
            index = piece.get("index", 0)
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice()
            choice.add(piece)

    def texts(self) -> list[str] | None:
        """The pieces of the first choice's text, to be added to by whoever knows that an object brings nothing else;
        None where that choice has said nothing yet."""
        choice = self._choices.get(0)
        return None if choice is None else choice.content

    def reply(self) -> Json:
        """The ``chat.completion`` object of what has come."""
        return {**self._top, "choices": [self._choices[index].whole(index) for index in sorted(self._choices)]}


class _Choice:
    """One choice under way. ``message`` holds the fields that are not joined, and the places of those that are."""

    __slots__ = ("_by_index", "_calls", "_fields", "_function", "_logprobs", "_message", "_texts")

    def __init__(self) -> None:
        self._fields: Json = {}
        self._message: Json = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: list[_Call] = []
        self._by_index: dict[Any, _Call] = {}
        self._function: _Function | None = None
        self._logprobs: Json | None = None

    def add(self, piece: Mapping[str, Any]) -> None:
        for key, value in piece.items():
            if key == "delta":
                self._delta(value or {})
            elif key == "logprobs":
                if value:
                    self._tokens(value)
            # ``message`` is a whole reply's field, which has no place in a chunk
            elif key != "message" and (value is not None or key not in self._fields):
                self._fields[key] = value

    @property
    def content(self) -> list[str] | None:
        """The pieces of its text."""
        return self._texts.get("content")

    def _delta(self, delta: Mapping[str, Any]) -> None:
        for key, value in delta.items():
            if key in JOINED and isinstance(value, str):
                self._message.setdefault(key)
                self._texts.setdefault(key, []).append(value)
            elif key == "tool_calls":
                for piece in value or ():
                    self._call(piece)
            elif key == "function_call":
                if value:
                    self._function = self._function or _Function()
                    self._function.add(value)
            elif isinstance(value, list):
                self._message[key] = kept = self._message.get(key) or []
                kept.extend(value)
            elif value is not None or key not in self._message:
                self._message[key] = value

    def _call(self, piece: Mapping[str, Any]) -> None:
        """A piece belongs to the last call of its index, unless it has another id than that; without an index one that
        names a function begins a call. Not every server that speaks this format counts its calls."""
        index, name = piece.get("index"), piece.get("id")
        if index is None:
            begins = bool((piece.get("function") or {}).get("name"))
            call = self._calls[-1] if self._calls and not begins else None
        else:
            call = self._by_index.get(index)
            if call is not None and name and call.name and name != call.name:
                call = None
        if call is None:
            call = _Call()
            self._calls.append(call)
        call.add(piece)
        self._by_index[index] = call

    def _tokens(self, piece: Mapping[str, Any]) -> None:
        self._logprobs = self._logprobs or {}
        for key, value in piece.items():
            kept = self._logprobs.setdefault(key, None)
            if value:
                self._logprobs[key] = kept = kept or []
                kept.extend(value)

    def whole(self, index: int) -> Json:
        """The choice with the fields that a client may rely on; a tool call's index belongs to streams only."""
        message = {"role": "assistant", "content": None, **self._message}
        message |= {key: "".join(parts) for key, parts in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [call.whole() for call in self._calls]
        if self._function:
            message["function_call"] = self._function.whole()
        first = {"index": index, "message": message, "logprobs": self._logprobs, "finish_reason": None}
        return {**first, **self._fields}


class _Function:
    """A function's name and its arguments, which come in pieces."""

    __slots__ = ("_arguments", "_fields")

    def __init__(self) -> None:
        self._fields: Json = {}
        self._arguments: list[str] = []

    def add(self, piece: Mapping[str, Any]) -> None:
        for key, value in piece.items():
            if key == "arguments" and isinstance(value, str):
                self._fields.setdefault(key)
                self._arguments.append(value)
            elif value not in (None, "") or (value == "" and key not in self._fields):
                self._fields[key] = value

    def whole(self) -> Json:
        return {**self._fields, "arguments": "".join(self._arguments)} if self._arguments else dict(self._fields)


class _Call:
    """A tool call: its own fields and its function."""

    __slots__ = ("_fields", "_function")

    def __init__(self) -> None:
        self._fields: Json = {}
        self._function = _Function()

    def add(self, piece: Mapping[str, Any]) -> None:
        for key, value in piece.items():
            if key == "function":
                self._function.add(value or {})
            elif key != "index" and value not in (None, ""):
                self._fields[key] = value

    @property
    def name(self) -> Any:
        """Its id, once that has come."""
        return self._fields.get("id")

    def whole(self) -> Json:
        return {**self._fields, "function": self._function.whole()}

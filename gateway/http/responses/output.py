"""``output``: what a chat's chunks bring, as items and their events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.http.responses.items import FunctionCall, Item, Message, Reasoning, new_id

Json = dict[str, Any]
#: Why a response is incomplete, by the chat's finish reason.
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Output:
    """The items of one answer. All text is one message, and calls stay open until the end, since their pieces can come
    mixed; reasoning ends where something else begins."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._items: list[Item] = []
        self._ended: dict[int, str] = {}
        self._thinking: Reasoning | None = None
        self._message: Message | None = None
        self._calls: dict[Any, FunctionCall | _Unnamed] = {}

    def take(self, data: Mapping[str, Any]) -> Iterator[Json]:
        """The events of a ``chat.completion.chunk``."""
        for choice in data.get("choices") or ():
            if choice.get("index", 0):
                continue
            delta = choice.get("delta") or {}
            if delta.get("reasoning_content"):
                yield from self._think(delta["reasoning_content"])
            logprobs = (choice.get("logprobs") or {}).get("content") or ()
            if delta.get("content"):
                message = yield from self._spoken()
                yield from message.say(delta["content"], logprobs)
            if delta.get("refusal"):
                message = yield from self._spoken()
                yield from message.refuse(delta["refusal"])
            for piece in delta.get("tool_calls") or ():
                yield from self._called(piece)
            self.reason = INCOMPLETE.get(choice.get("finish_reason") or "", self.reason)

    def end(self) -> Iterator[Json]:
        """The events with which all open items end; where the answer is incomplete, its last item is."""
        last = len(self._items) - 1
        for place in range(len(self._items)):
            yield from self._end(place, "incomplete" if self.reason and place == last else "completed")

    def items(self) -> list[Json]:
        """All items as far as they have come; open ones are in progress."""
        return [item.body(self._ended.get(place, "in_progress")) for place, item in enumerate(self._items)]

    def abandon(self) -> None:
        """The answer broke off: what is open stays incomplete, without further events."""
        for place in range(len(self._items)):
            self._ended.setdefault(place, "incomplete")

    def _begin(self, item: Item) -> Iterator[Json]:
        self._items.append(item)
        yield from item.begin()

    def _end(self, place: int, status: str) -> Iterator[Json]:
        if place not in self._ended:
            self._ended[place] = status
            yield from self._items[place].end(status)

    def _think(self, text: str) -> Iterator[Json]:
        if self._thinking is None:
            self._thinking = Reasoning(len(self._items))
            yield from self._begin(self._thinking)
        yield from self._thinking.add(text)

    def _thought(self) -> Iterator[Json]:
        if self._thinking is not None:
            place = self._items.index(self._thinking)
            self._thinking = None
            yield from self._end(place, "completed")

    def _spoken(self) -> Any:
        """Generates the events before a piece of text, and returns the message."""
        yield from self._thought()
        if self._message is None:
            self._message = Message(len(self._items))
            yield from self._begin(self._message)
        return self._message

    def _called(self, piece: Mapping[str, Any]) -> Iterator[Json]:
        """A piece of a call. It belongs to the last call of its index, unless it has another id than that."""
        yield from self._thought()
        index, function = piece.get("index"), piece.get("function") or {}
        call = self._calls.get(index)
        if call is None or (piece.get("id") and call.call_id and piece["id"] != call.call_id):
            call = _Unnamed()
        if isinstance(call, _Unnamed):
            call.note(piece)
            named = call.named(len(self._items))
            self._calls[index] = named or call
            if named is None:
                return
            yield from self._begin(named)
            if call.arguments:
                yield from named.add(call.arguments)
        elif function.get("arguments"):
            yield from call.add(function["arguments"])


class _Unnamed:
    """A call whose name has not come yet, without which it can't be told."""

    def __init__(self) -> None:
        self.call_id: str = ""
        self.arguments = ""
        self._name = ""
        self._extra: Json = {}

    def note(self, piece: Mapping[str, Any]) -> None:
        """Take in a piece."""
        function = piece.get("function") or {}
        self.call_id = piece.get("id") or self.call_id
        self._name = function.get("name") or self._name
        self.arguments += function.get("arguments") or ""
        if piece.get("provider_specific_fields"):
            self._extra = {"provider_specific_fields": piece["provider_specific_fields"]}

    def named(self, place: int) -> FunctionCall | None:
        """The call, once it has its name."""
        return FunctionCall(place, self.call_id or new_id("call"), self._name, self._extra) if self._name else None

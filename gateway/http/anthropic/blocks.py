"""The content blocks of a streamed message.

Anthropic's blocks come one after another, each whole before the next begins, while a chat's tool calls may come side by
side. What belongs to a later block therefore waits until the one before it is over: a text as soon as something else
comes, a call once its arguments are a whole object or the answer ends. Each call keeps its own block.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

Json = dict[str, Any]


class Blocks:
    """Takes in a choice's deltas and gives the events of its blocks; ``thoughts`` is whether those are shown."""

    def __init__(self, *, thoughts: bool) -> None:
        self._thoughts = thoughts
        #: The block under way, and those that wait for its end.
        self._queue: list[_Block] = []
        #: The last call of each index that a chat gave.
        self._by_index: dict[Any, _Call] = {}
        self._index = 0
        self.calls = False
        self.refused = False

    def take(self, delta: Mapping[str, Any]) -> Iterator[Json]:
        """The events that may be sent now."""
        if self._thoughts and delta.get("reasoning_content"):
            self._text(_Thinking).add(delta["reasoning_content"])
        for text in (delta.get("content"), delta.get("refusal")):
            if text:
                self._text(_Text).add(text)
        self.refused = self.refused or bool(delta.get("refusal"))
        for piece in delta.get("tool_calls") or ():
            self._call(piece)
        yield from self._sent(last=False)

    def end(self) -> Iterator[Json]:
        """What is left where the answer has ended."""
        yield from self._sent(last=True)

    def _text(self, kind: type[_Block]) -> _Block:
        if not self._queue or type(self._queue[-1]) is not kind:
            self._queue.append(kind())
        return self._queue[-1]

    def _call(self, piece: Mapping[str, Any]) -> None:
        """A piece belongs to the last call of its index, unless it has another id than that."""
        index, name = piece.get("index", 0), piece.get("id")
        call = self._by_index.get(index)
        if call is None or (name and call.id and name != call.id):
            call = self._by_index[index] = _Call()
            self._queue.append(call)
            self.calls = True
        call.take(piece)

    def _sent(self, *, last: bool) -> Iterator[Json]:
        while self._queue:
            block = self._queue[0]
            yield from block.events(self._index, last=last)
            if not last and (len(self._queue) == 1 or not block.over):
                return
            del self._queue[0]
            if block.begun:
                yield {"type": "content_block_stop", "index": self._index}
                self._index += 1


class _Block:
    """One block; ``begun`` is that its start was sent, and ``over`` that another may begin."""

    field, kind = "", ""

    def __init__(self) -> None:
        self.begun = False
        self._waiting: list[str] = []

    @property
    def over(self) -> bool:
        return True

    def add(self, text: str) -> None:
        """Take in a piece of it."""
        self._waiting.append(text)

    def events(self, index: int, *, last: bool) -> Iterator[Json]:
        """What has come of it and was not sent yet."""
        del last
        if not self.begun:
            self.begun = True
            yield {"type": "content_block_start", "index": index, "content_block": self.start()}
        for text in self._waiting:
            yield {"type": "content_block_delta", "index": index, "delta": {"type": self.kind, self.field: text}}
        self._waiting = []

    def start(self) -> Json:
        """The block before anything of it is said."""
        raise NotImplementedError


class _Text(_Block):
    field, kind = "text", "text_delta"

    def start(self) -> Json:
        return {"type": "text", "text": ""}


class _Thinking(_Block):
    field, kind = "thinking", "thinking_delta"

    def start(self) -> Json:
        return {"type": "thinking", "thinking": "", "signature": ""}


class _Call(_Block):
    """A call is begun once its name is known. What comes after its arguments are whole is no part of them."""

    field, kind = "partial_json", "input_json_delta"

    def __init__(self) -> None:
        super().__init__()
        self.id: str | None = None
        self._name = ""
        self._arguments: list[str] = []
        self._looked_at = 0
        self._whole = False

    def take(self, piece: Mapping[str, Any]) -> None:
        """Take in a piece of a chat's tool call."""
        function = piece.get("function") or {}
        self.id = self.id or piece.get("id")
        self._name = self._name or function.get("name") or ""
        if function.get("arguments") and not self._whole:
            self._arguments.append(function["arguments"])
            self.add(function["arguments"])

    @property
    def over(self) -> bool:
        """Looked at only when more has come since, and only when another block waits."""
        more = len(self._arguments) > self._looked_at and self._arguments[-1].rstrip().endswith("}")
        if more and self.begun and not self._whole:
            self._looked_at = len(self._arguments)
            with suppress(orjson.JSONDecodeError):
                self._whole = isinstance(orjson.loads("".join(self._arguments)), dict)
        return self._whole

    def events(self, index: int, *, last: bool) -> Iterator[Json]:
        if self._name or last:
            yield from super().events(index, last=last)

    def start(self) -> Json:
        self.id = self.id or f"toolu_{uuid.uuid4().hex}"
        return {"type": "tool_use", "id": self.id, "name": self._name, "input": {}}

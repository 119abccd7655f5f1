"""Keeps personal data from the providers: placeholders go out, and the reply gets the originals back.

It stands last in the list, so that it sees all that is sent, and a reply is whole again before any other policy
reads it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from gateway.contract import Call, Chunk, Configured, Operation, Personal, Policy, Services
from policies.common.free_text import changed, strings
from policies.common.placeholders import Originals, Placeholders, Restorer, quoted

NAME = "redaction"
#: A megabyte of hostile text takes over a second, in which others want to be served; this many characters take 0.1 s.
LONG = 100_000
JSON_FORMATS = frozenset({"json_object", "json_schema"})
#: A string, or a number that stands by itself, in a text that is known to be JSON.
JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?', re.DOTALL)


class RedactionOptions(Configured):
    """``hide`` lists kinds of personal data: ``email``, ``phone``, names of configured identifiers."""

    hide: list[str] = Field(default_factory=list)


class Redaction(Policy):
    """Request: hides what is personal. Response: restores it, in streams too."""

    Options: ClassVar[type[BaseModel]] = RedactionOptions
    after: ClassVar[tuple[str, ...]] = ("prompt", "memory", "modal", "knowledge", "prompt_guard", "style")

    def __init__(self, options: RedactionOptions, services: Services) -> None:
        self._personal = services.personal
        self._kinds = frozenset(options.hide)
        valid = self._personal.kinds()
        unknown = sorted(self._kinds.difference(valid))
        if unknown:
            raise ValueError(f"'hide' lists {unknown[0]!r}; what can be hidden is {', '.join(valid)}")

    async def request(self, call: Call) -> Call:
        """The same call where nothing was found; raises InvalidRequest for what is nested beyond reason."""
        if not self._kinds:
            return call
        hider = Hider(self._personal, self._kinds, call.params)
        if sum(map(len, strings(call.params))) > LONG:
            params = await asyncio.to_thread(changed, call.params, hider)
        else:
            params = changed(call.params, hider)
        if not hider.hidden:
            return call
        return replace(call, params=params, learnt={**call.learnt, NAME: hider.hidden})

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks themselves where nothing was hidden."""
        originals = call.learnt.get(NAME)
        if not originals or call.operation is not Operation.CHAT:
            return chunks
        shape = call.params.get("response_format") or {}
        return _restored(chunks, Reply(originals, in_json=shape.get("type") in JSON_FORMATS))


async def _restored(chunks: AsyncIterator[Chunk], reply: Reply) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        yield reply.chunk(chunk)
    rest = reply.rest()
    if rest["choices"]:
        yield Chunk(rest)


class Hider:
    """Hides the chosen kinds in the texts of one call."""

    def __init__(self, personal: Personal, kinds: frozenset[str], params: Mapping[str, Any]) -> None:
        self._personal = personal
        self._kinds = kinds
        self._params = params
        self._used = False

    @property
    def hidden(self) -> Mapping[str, str]:
        """What was hidden, by placeholder."""
        return self._placeholders.originals if self._used else {}

    @cached_property
    def _placeholders(self) -> Placeholders:
        self._used = True
        return Placeholders(strings(self._params))

    def text(self, text: str) -> str:
        """``text`` with placeholders."""
        pieces, at = [], 0
        for start, end, kind in self._personal.find(text):
            if kind in self._kinds:
                pieces += [text[at:start], self._placeholders.of(text[start:end], kind)]
                at = end
        return "".join([*pieces, text[at:]]) if pieces else text

    def json(self, text: str) -> str:
        """JSON with placeholders in its strings, keys included, and in the place of numbers; other text as text."""
        try:
            json.loads(text, parse_int=str)
        except ValueError:
            return self.text(text)
        except RecursionError:
            pass  # deep, and JSON as far as it was read; its strings are found all the same
        return JSON_TOKEN.sub(self._token, text)

    def _token(self, match: re.Match[str]) -> str:
        token = match[0]
        try:
            value = json.loads(token) if token[0] == '"' else token
        except ValueError:
            return self.text(token)
        made = self.text(value)
        return token if made == value else quoted(made)


class Reply:
    """The texts of one reply, each with what is held back of it. ``in_json`` says that the content is JSON."""

    TEXTS = ("content", "refusal", "reasoning", "reasoning_content")

    def __init__(self, originals: Mapping[str, str], *, in_json: bool) -> None:
        self._originals = Originals(originals)
        self._in_json = in_json
        self._notes = Restorer(self._originals)
        #: By choice, then by field, or by the index of a tool's call.
        self._texts: dict[int, dict[str | int, Restorer]] = {}

    def chunk(self, chunk: Chunk) -> Chunk:
        """``chunk`` with originals; itself where there is nothing to change."""
        choices = chunk.data.get("choices") or []
        made = [self._choice(choice) for choice in choices]
        notes = {key: self._note(value) for key, value in chunk.notes.items()}
        if made == choices and notes == chunk.notes:
            return chunk
        return Chunk({**chunk.data, "choices": made} if choices else chunk.data, notes)

    def rest(self) -> dict[str, Any]:
        """A last chunk's data, of what is held back still where the reply ended without saying so."""
        deltas = {index: self._flushed(index, {}) for index in self._texts}
        choices = [{"index": index, "delta": delta, "finish_reason": None} for index, delta in deltas.items() if delta]
        return {"choices": choices}

    def _choice(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        index = choice.get("index", 0)
        delta = self._delta(index, choice.get("delta") or {})
        if choice.get("finish_reason"):
            delta = self._flushed(index, delta)
        return {**choice, "delta": delta} if delta or "delta" in choice else choice

    def _delta(self, index: int, delta: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(delta)
        for key in self.TEXTS:
            if isinstance(delta.get(key), str):
                made[key] = self._restorer(index, key).feed(delta[key])
        if delta.get("function_call"):
            made["function_call"] = self._called(index, "function_call", delta["function_call"])
        if delta.get("tool_calls"):
            made["tool_calls"] = [self._tool(index, *entry) for entry in enumerate(delta["tool_calls"])]
        return made

    def _tool(self, index: int, place: int, tool: Mapping[str, Any]) -> Mapping[str, Any]:
        function = tool.get("function")
        if not function:
            return tool
        return {**tool, "function": self._called(index, tool.get("index", place), function)}

    def _called(self, index: int, slot: str | int, function: Mapping[str, Any]) -> Mapping[str, Any]:
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            return function
        return {**function, "arguments": self._restorer(index, slot).feed(arguments)}

    def _restorer(self, index: int, slot: str | int) -> Restorer:
        texts = self._texts.setdefault(index, {})
        if slot not in texts:
            in_json = slot not in self.TEXTS or (slot == "content" and self._in_json)
            texts[slot] = Restorer(self._originals, in_json=in_json)
        return texts[slot]

    def _flushed(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        """``delta`` with what is held back of a choice at the end of its texts."""
        for slot, restorer in self._texts.get(index, {}).items():
            held = restorer.flush()
            if held and slot in self.TEXTS:
                delta[str(slot)] = (delta.get(str(slot)) or "") + held
            elif held and slot == "function_call":
                delta["function_call"] = _longer(delta.get("function_call") or {}, held)
            elif held:
                delta["tool_calls"] = _with_tool(delta.get("tool_calls") or [], slot, held)
        return delta

    def _note(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._notes.whole(value)
        if isinstance(value, Mapping):
            return {key: self._note(item) for key, item in value.items()}
        return [self._note(item) for item in value] if isinstance(value, list) else value


def _longer(function: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    return {**function, "arguments": (function.get("arguments") or "") + arguments}


def _with_tool(tools: list[Any], index: str | int, arguments: str) -> list[Any]:
    """The tools' calls with more arguments for the one of ``index``, which need not be among them."""
    at = next((n for n, tool in enumerate(tools) if tool.get("index", n) == index), None)
    if at is None:
        return [*tools, {"index": index, "function": {"arguments": arguments}}]
    longer = {**tools[at], "function": _longer(tools[at].get("function") or {}, arguments)}
    return [*tools[:at], longer, *tools[at + 1 :]]

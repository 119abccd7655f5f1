"""A careful client: it takes nothing for an answer that does not say that it is whole."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from bench.failover.catalogue import Surface

Outcome = Literal["answer", "error", "refusal", "degraded", "hang"]
Json = dict[str, Any]
CHAT, ASK = "/v1/chat/completions", "/ai/router/v2"


class Broken(Exception):
    """The reply is an error, or is not whole; the message says how."""

    def __init__(self, message: str, code: Any = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Seen:
    """What a caller saw of one request. ``said`` is each choice's text, tool calls as JSON; ``retry_after`` and
    ``attempts`` are headers; ``seconds`` to the end."""

    outcome: Outcome = "hang"
    said: tuple[str, ...] = ()
    status: int = 0
    error: str = ""
    code: Any = None
    retry_after: str | None = None
    attempts: int | None = None
    model: str | None = None
    usage: Json | None = None
    seconds: float = 0.0

    @property
    def words(self) -> int:
        """Words of all choices."""
        return sum(len(text.split()) for text in self.said)


@dataclass(slots=True)
class _Choices:
    """The choices of a stream, as they come together."""

    texts: dict[int, list[str]] = field(default_factory=dict)
    calls: dict[int, dict[int, list[str]]] = field(default_factory=dict)
    finishes: dict[int, str] = field(default_factory=dict)

    def take(self, choice: Json) -> None:
        """Take in one choice of one chunk, or a whole one."""
        index, delta = choice["index"], choice.get("delta") or choice.get("message") or {}
        self.texts.setdefault(index, []).append(delta.get("content") or "")
        for place, call in enumerate(delta.get("tool_calls") or ()):
            name_and_arguments = self.calls.setdefault(index, {}).setdefault(call.get("index", place), ["", ""])
            function = call.get("function") or {}
            name_and_arguments[0] += function.get("name") or ""
            name_and_arguments[1] += function.get("arguments") or ""
        if choice.get("finish_reason"):
            self.finishes[index] = choice["finish_reason"]

    def said(self) -> tuple[str, ...]:
        """Each choice's text, or its calls; raises Broken where a call's arguments are not JSON."""
        return tuple(self._one(index) for index in sorted(self.texts))

    def _one(self, index: int) -> str:
        if index not in self.calls:
            return "".join(self.texts[index])
        try:
            called = [[name, json.loads(text)] for _, (name, text) in sorted(self.calls[index].items())]
        except ValueError:
            raise Broken("a tool call's arguments are not whole") from None
        return "".join(self.texts[index]) + json.dumps(called)


async def call(client: httpx.AsyncClient, surface: Surface, body: Json, longest: float) -> Seen:
    """One request, for at most ``longest`` seconds; a request that has not ended then is a hang."""
    seen = Seen()
    started = time.monotonic()
    try:
        async with asyncio.timeout(longest):
            await _call(client, surface, body, seen)
    except TimeoutError:
        seen.outcome, seen.error = "hang", f"no end within {longest:g} s"
    except Broken as error:
        seen.outcome, seen.error, seen.code = "error", str(error), error.code
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        seen.outcome, seen.error = "error", f"{type(error).__name__}: {error}"
    seen.seconds = time.monotonic() - started
    return seen


async def _call(client: httpx.AsyncClient, surface: Surface, body: Json, seen: Seen) -> None:
    version, _, way = surface.partition(" ")
    stream = way == "stream"
    more: Json = {"stream_options": {"include_usage": True}} if stream and version == "v1" else {}
    async with client.stream("POST", CHAT if version == "v1" else ASK, json=body | {"stream": stream} | more) as reply:
        _read_headers(reply, seen)
        if reply.status_code != 200:
            raise _refused(reply.status_code, await reply.aread())
        if not stream:
            data = json.loads(await reply.aread())
            (_chat if version == "v1" else _envelope)(data, seen)
        elif version == "v1":
            await _chat_events(_events(reply), seen)
        else:
            await _ivy_events(_events(reply), seen)


def _read_headers(reply: httpx.Response, seen: Seen) -> None:
    seen.status = reply.status_code
    seen.retry_after = reply.headers.get("retry-after")
    attempts = reply.headers.get("x-ivy-attempts", "")
    seen.attempts = int(attempts) if attempts.isdecimal() else None
    seen.model = reply.headers.get("x-ivy-model")
    seen.outcome = "degraded" if reply.headers.get("x-ivy-degraded") == "true" else "answer"


def _refused(status: int, raw: bytes) -> Broken:
    try:
        return _error(json.loads(raw), f"{status} ")
    except ValueError:
        return Broken(f"{status}, and no JSON")


def _error(data: Any, prefix: str = "") -> Broken:
    error = data.get("error") if isinstance(data, dict) else None
    told: Mapping[str, Any] = error if isinstance(error, dict) else {"message": str(error)}
    return Broken(f"{prefix}{told.get('code') or told.get('type') or ''}: {told.get('message')}", told.get("code"))


async def _events(reply: httpx.Response) -> AsyncIterator[tuple[str | None, str]]:
    """Name and data of each event. Lines end with \\n only: other separators may stand in a text."""
    name: str | None = None
    async for line in _lines(reply):
        key, _, value = line.rstrip("\r").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, value
        elif not key:
            name = None


async def _lines(reply: httpx.Response) -> AsyncIterator[str]:
    begun: list[str] = []
    async for text in reply.aiter_text():
        first, *others = text.split("\n")
        begun.append(first)
        for other in others:
            yield "".join(begun)
            begun = [other]


def _chat(data: Json, seen: Seen) -> None:
    choices = _Choices()
    for choice in data["choices"]:
        choices.take(choice)
    _whole(choices, seen, data.get("model"), data.get("usage"))


async def _chat_events(events: AsyncIterator[tuple[str | None, str]], seen: Seen) -> None:
    choices, model, usage = _Choices(), None, None
    try:
        async for name, value in events:
            if value == "[DONE]":
                break
            data = json.loads(value)
            if name == "error" or "error" in data:
                raise _error(data)
            for choice in data["choices"]:
                choices.take(choice)
            model, usage = data.get("model") or model, data.get("usage") or usage
        else:
            raise Broken("the stream ended without [DONE]")
    except Exception:
        seen.said = tuple("".join(texts) for texts in choices.texts.values())
        raise
    _whole(choices, seen, model, usage)


def _whole(choices: _Choices, seen: Seen, model: str | None, usage: Json | None) -> None:
    seen.said = tuple("".join(texts) for texts in choices.texts.values())
    if not choices.texts or choices.texts.keys() - choices.finishes.keys():
        raise Broken("a choice has no finish reason")
    if set(choices.finishes.values()) & {"length", "error"}:
        raise Broken(f"it ended with {sorted(set(choices.finishes.values()))}")
    seen.said = choices.said()
    seen.model, seen.usage = model, usage
    if "content_filter" in choices.finishes.values():
        seen.outcome, seen.error = "refusal", "finish_reason content_filter"


def _envelope(data: Json, seen: Seen) -> None:
    if data["kind"] != "conversational":
        raise Broken(f"a reply of kind {data['kind']!r}")
    seen.said = (data["answer_markdown"],)


async def _ivy_events(events: AsyncIterator[tuple[str | None, str]], seen: Seen) -> None:
    deltas: list[str] = []
    done: Json | None = None
    try:
        async for name, value in events:
            data = json.loads(value)
            if name == "error":
                raise _error(data)
            if name == "delta":
                deltas.append(data["text"])
            done = data if name == "done" else done
    finally:
        seen.said = ("".join(deltas),)
    if done is None:
        raise Broken("the stream ended without its done event")
    _envelope(done, seen)
    if "".join(deltas) != done["answer_markdown"]:
        seen.said = (f"DELTAS DIFFER: {''.join(deltas)}",)

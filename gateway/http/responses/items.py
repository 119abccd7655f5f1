"""The items of a response: each with its events as it grows, and as it stands.

Events are without their ``sequence_number``, which whoever sends them counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

Json = dict[str, Any]


def new_id(prefix: str) -> str:
    """An id that nobody can guess, as ``msg_...``."""
    return f"{prefix}_{uuid.uuid4().hex}"


class Item(Protocol):
    """An item of ``output``."""

    def begin(self) -> Iterator[Json]:
        """The events that it begins with."""

    def end(self, status: str) -> Iterator[Json]:
        """The events that it ends with, as ``completed`` or ``incomplete``; the last one has the whole item."""

    def body(self, status: str) -> Json:
        """The item as far as it has come."""


class Reasoning:
    """What the model thought, told as a summary of one part."""

    def __init__(self, place: int) -> None:
        self._id = new_id("rs")
        self._at = {"item_id": self._id, "output_index": place, "summary_index": 0}
        self._place = place
        self._texts: list[str] = []

    def begin(self) -> Iterator[Json]:
        """See ``Item``."""
        yield _added(self._place, self.body("in_progress"))
        yield {"type": "response.reasoning_summary_part.added", **self._at, "part": _summary("")}

    def add(self, text: str) -> Iterator[Json]:
        """The next piece."""
        self._texts.append(text)
        yield {"type": "response.reasoning_summary_text.delta", **self._at, "delta": text}

    def end(self, status: str) -> Iterator[Json]:
        """See ``Item``."""
        text = "".join(self._texts)
        yield {"type": "response.reasoning_summary_text.done", **self._at, "text": text}
        yield {"type": "response.reasoning_summary_part.done", **self._at, "part": _summary(text)}
        yield _done(self._place, self.body(status))

    def body(self, status: str) -> Json:
        """See ``Item``."""
        summary = [_summary("".join(self._texts))] if self._texts else []
        return {"id": self._id, "type": "reasoning", "summary": summary, "status": status}


class FunctionCall:
    """A call; ``extra`` are fields beside OpenAI's that must come back with it."""

    def __init__(self, place: int, call_id: str, name: str, extra: Mapping[str, Any]) -> None:
        self._fields = {"id": new_id("fc"), "type": "function_call", "call_id": call_id, "name": name, **extra}
        self._at = {"item_id": self._fields["id"], "output_index": place}
        self._place = place
        self._arguments: list[str] = []

    @property
    def call_id(self) -> Any:
        """The id that its result names."""
        return self._fields["call_id"]

    def begin(self) -> Iterator[Json]:
        """See ``Item``."""
        yield _added(self._place, self.body("in_progress"))

    def add(self, arguments: str) -> Iterator[Json]:
        """The next piece of its arguments."""
        self._arguments.append(arguments)
        yield {"type": "response.function_call_arguments.delta", **self._at, "delta": arguments}

    def end(self, status: str) -> Iterator[Json]:
        """See ``Item``."""
        body = self.body(status)
        said = {"name": body["name"], "arguments": body["arguments"]}
        yield {"type": "response.function_call_arguments.done", **self._at, **said}
        yield _done(self._place, body)

    def body(self, status: str) -> Json:
        """See ``Item``."""
        return {**self._fields, "arguments": "".join(self._arguments), "status": status}


class Message:
    """What the model said: parts of text, and of refusals."""

    def __init__(self, place: int) -> None:
        self._id = new_id("msg")
        self._place = place
        self._parts: list[_Part] = []

    def begin(self) -> Iterator[Json]:
        """See ``Item``."""
        yield _added(self._place, self.body("in_progress"))

    def say(self, text: str, logprobs: Sequence[Mapping[str, Any]] = ()) -> Iterator[Json]:
        """The next piece of text."""
        yield from self._turn_to("output_text")
        yield from self._parts[-1].add(text, logprobs)

    def refuse(self, text: str) -> Iterator[Json]:
        """The next piece of a refusal."""
        yield from self._turn_to("refusal")
        yield from self._parts[-1].add(text)

    def end(self, status: str) -> Iterator[Json]:
        """See ``Item``."""
        if self._parts:
            yield from self._parts[-1].end()
        yield _done(self._place, self.body(status))

    def body(self, status: str) -> Json:
        """See ``Item``."""
        content = [part.body() for part in self._parts]
        return {"id": self._id, "type": "message", "status": status, "role": "assistant", "content": content}

    def _turn_to(self, kind: str) -> Iterator[Json]:
        if self._parts and self._parts[-1].kind == kind:
            return
        if self._parts:
            yield from self._parts[-1].end()
        at = {"item_id": self._id, "output_index": self._place, "content_index": len(self._parts)}
        part = _Part(kind, at)
        yield {"type": "response.content_part.added", **at, "part": part.body()}
        self._parts.append(part)


class _Part:
    """A part of a message; ``kind`` is ``output_text`` or ``refusal``."""

    def __init__(self, kind: str, at: Mapping[str, Any]) -> None:
        self.kind = kind
        self._at = at
        self._texts: list[str] = []
        self._logprobs: list[Json] = []

    def add(self, text: str, logprobs: Sequence[Mapping[str, Any]] = ()) -> Iterator[Json]:
        self._texts.append(text)
        event = {"type": f"response.{self.kind}.delta", **self._at, "delta": text}
        if self.kind == "output_text":
            told = [_logprob(token) for token in logprobs]
            self._logprobs += told
            event["logprobs"] = told
        yield event

    def end(self) -> Iterator[Json]:
        body = self.body()
        said: Json = {key: body[key] for key in ("text", "logprobs", "refusal") if key in body}
        yield {"type": f"response.{self.kind}.done", **self._at, **said}
        yield {"type": "response.content_part.done", **self._at, "part": body}

    def body(self) -> Json:
        text = "".join(self._texts)
        if self.kind == "refusal":
            return {"type": self.kind, "refusal": text}
        return {"type": self.kind, "annotations": [], "logprobs": list(self._logprobs), "text": text}


def _added(place: int, item: Json) -> Json:
    return {"type": "response.output_item.added", "output_index": place, "item": item}


def _done(place: int, item: Json) -> Json:
    return {"type": "response.output_item.done", "output_index": place, "item": item}


def _summary(text: str) -> Json:
    return {"type": "summary_text", "text": text}


def _logprob(token: Mapping[str, Any]) -> Json:
    others: Iterable[Mapping[str, Any]] = token.get("top_logprobs") or ()
    return {**_token(token), "top_logprobs": [_token(other) for other in others]}


def _token(token: Mapping[str, Any]) -> Json:
    """A chat may leave the bytes out, a response not."""
    spelled = token.get("bytes")
    told = list(token["token"].encode()) if spelled is None else spelled
    return {"token": token["token"], "logprob": token["logprob"], "bytes": told}

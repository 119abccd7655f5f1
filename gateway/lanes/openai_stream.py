"""The events of a stream in OpenAI's format: passed on, or gathered to a ``chat.completion``."""

from __future__ import annotations

from typing import Any

from gateway.lanes.dialects import Calls, mend
from gateway.lanes.progress import Progress, check_count, in_mid_stream
from gateway.lanes.wire import Json, head
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind, classify
from gateway.upstream.fold import Fold

PASSED_ON = ("system_fingerprint", "service_tier", "usage", "obfuscation")
PLAIN_CHOICE = frozenset({"index", "delta", "logprobs", "finish_reason"})
SILENT_FIELDS = frozenset({"role", "content"})


class OpenAIStream:
    """Choices are passed on as they came, under OpenAI's top-level fields; the model's name is ours.

    A choice tells its role at first and once. A usage that comes before the end waits for one that comes later.
    """

    def __init__(self, deployment: Deployment, progress: Progress) -> None:
        self.progress = progress
        self._deployment = deployment
        self._head: Json | None = None
        self._begun: set[int] = set()
        self._calls: dict[int, Calls] = {}
        self._early: Json | None = None

    def read(self, data: Json) -> list[Json]:
        """One chunk an event."""
        note(self.progress, data)
        self._head = self._head or head(self._deployment, data)
        chunk = self._head | {key: data[key] for key in PASSED_ON if data.get(key) is not None}
        chunk["choices"] = choices = data.get("choices") or []
        for choice in choices:
            self._choice(choice)
        if "usage" in chunk:
            early = choices and not self.progress.finished
            self._early = chunk.pop("usage") if early else None
        return [chunk]

    def end(self) -> list[Json]:
        """The usage, where it came early and not again."""
        if self._early is None or self._head is None:
            return []
        return [self._head | {"choices": [], "usage": self._early}]

    def _choice(self, choice: Json) -> None:
        index, delta = choice["index"], choice["delta"]
        if index in self._begun:
            delta.pop("role", None)
        else:
            self._begun.add(index)
            if not delta.get("role"):
                choice["delta"] = {"role": "assistant", **{key: delta[key] for key in delta if key != "role"}}
        if delta.get("tool_calls"):
            calls = self._calls.setdefault(index, Calls())
            for piece in delta["tool_calls"]:
                calls.number(piece)


class OpenAIGatherer:
    """A ``chat.completion`` in the making."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._fold = Fold()
        #: Where the text goes of an event that brings nothing else, and the id it must have.
        self._texts: list[str] | None = None
        self._id: Any = None

    def add(self, data: Json) -> bool:
        """See ``wire.Gatherer``."""
        text = plain_text(data) if self._texts is not None and data.get("id") == self._id else None
        if text is not None and self._texts is not None:
            self._texts.append(text)
            self.progress.brought += 1
            return not text.isspace()
        says = note(self.progress, data)
        self._fold.add(data)
        self._id, self._texts = data.get("id"), self._fold.texts()
        return says

    def reply(self) -> Json:
        """See ``wire.Gatherer``."""
        return self._fold.reply()


def note(progress: Progress, data: Json) -> bool:
    """Take in an event; whether it says something. Raises Failure where it is an error, or no chunk."""
    if data.get("error"):
        raise in_mid_stream(progress, error_in_reply(data["error"]))
    choices, usage = data.get("choices"), data.get("usage")
    if choices is None and not usage:
        raise Failure(Kind.GARBAGE, "an event of the stream is no chunk")
    check_count(choices or ())
    says = False
    for choice in choices or ():
        delta = choice.get("delta")
        if delta is None:
            delta = choice["delta"] = {}
        mend(choice, delta)
        if delta.get("content") or _calls(delta):
            progress.brought += 1
        says = says or _says(delta)
    progress.finishes.note(choices or ())
    if usage:
        progress.count(_tokens(usage))
    return says


def plain_text(data: Json) -> str | None:
    """The text of an event that brings some and nothing else, as most do; None where there is more to it."""
    choices = data.get("choices")
    if type(choices) is not list or len(choices) != 1 or data.get("usage") or data.get("error"):
        return None
    choice = choices[0]
    if type(choice) is not dict or not choice.keys() <= PLAIN_CHOICE or choice.get("index") != 0:
        return None
    delta = choice.get("delta")
    if type(delta) is not dict or len(delta) != 1 or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    content = delta.get("content")
    return content if type(content) is str and content else None


def _calls(delta: Json) -> bool:
    return bool(delta.get("refusal") or delta.get("tool_calls") or delta.get("function_call"))


def _says(delta: Json) -> bool:
    content = delta.get("content")
    if isinstance(content, str) and content and not content.isspace():
        return True
    return any(delta[key] for key in delta if key not in SILENT_FIELDS)


def _tokens(usage: Json) -> int | None:
    """The tokens of the answer itself."""
    tokens, details = usage.get("completion_tokens"), usage.get("completion_tokens_details") or {}
    return tokens - (details.get("reasoning_tokens") or 0) if isinstance(tokens, int) else None


def error_in_reply(error: Any) -> Failure:
    """An error in a reply with status 200; its own code tells a caller's mistake from an outage."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 500:
        return Failure(classify(code), "an error came in place of the reply", status=code)
    return Failure(Kind.STREAM_ERROR, "an error came in place of the reply")

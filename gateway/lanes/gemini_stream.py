"""The events of a stream in Gemini's format as OpenAI's chunks, and what Gemini's replies of both kinds share."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import ModelResponseIterator, VertexGeminiConfig

from gateway.contract import NOTHING
from gateway.lanes import gemini_plain
from gateway.lanes.progress import Progress, check_count, in_mid_stream
from gateway.lanes.wire import Json, clean_choice, head
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind, classify

#: Reasons that no answer ends with, though text may have come before them.
NO_ANSWER = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})


class Silent:
    """What LiteLLM's parsers ask of their logging object and of the raw reply: nothing of substance."""

    optional_params: Mapping[str, Any] = NOTHING
    headers: Mapping[str, str] = NOTHING


class GeminiStream:
    """Chunks in OpenAI's shape: one id for all, the role first, usage last and once."""

    def __init__(self, deployment: Deployment, progress: Progress) -> None:
        self.progress = progress
        self._deployment = deployment
        self._parser = ModelResponseIterator(streaming_response=None, sync_stream=False, logging_obj=Silent)
        self._head: Json | None = None
        self._roles: set[int] = set()
        self._usage: Json | None = None
        self._counts: Json | None = None  # Gemini's own, which are translated once
        self._told = False

    def read(self, data: Json) -> list[Json]:
        """The chunk of an event and, with the finish reason, the usage. The raw event tells what is finished:
        LiteLLM's parser writes a finish reason on chunks that had none."""
        note(self.progress, data)
        plain = gemini_plain.said(data)
        if plain is None or (self._parser.has_seen_tool_calls and any(one.finish for one in plain)):
            choices = self._translated(data)
        else:
            self._head = self._head or head(self._deployment, {"id": data.get("responseId")})
            choices = [self._plain(one) for one in plain]
            self._counts = data.get("usageMetadata") or self._counts
        assert self._head is not None
        chunks = [self._head | {"choices": choices}] if choices else []
        return chunks + self.end() if self.progress.over else chunks

    def _plain(self, said: gemini_plain.Said) -> Json:
        first = said.choice not in self._roles
        self._roles.add(said.choice)
        return said.as_choice(first=first)

    def _translated(self, data: Json) -> list[Json]:
        """The choices as LiteLLM's parser makes them."""
        ended = {c.get("index", 0) for c in data.get("candidates") or [] if finish(c)}
        blocked = _blocked(data)
        parsed = self._parser.chunk_parser(data).model_dump(warnings=False)
        self._head = self._head or head(self._deployment, parsed)
        if parsed.get("usage"):
            self._usage, self._counts = openai_usage(parsed["usage"]), None
        return [self._choice(choice, ended, blocked=blocked) for choice in parsed["choices"]]

    def end(self) -> list[Json]:
        """The usage, which Gemini counts up with each event, if it was not said yet."""
        if self._counts is not None:
            self._usage, self._counts = usage({"usageMetadata": self._counts}), None
        if self._head is None or self._usage is None or self._told:
            return []
        self._told = True
        return [self._head | {"choices": [], "usage": self._usage}]

    def _choice(self, choice: Json, ended: set[int], *, blocked: bool) -> Json:
        choice = clean(choice)
        index = choice["index"]
        if index not in self._roles:
            self._roles.add(index)
            choice["delta"] = {"role": "assistant", **choice["delta"]}
        if index not in ended and not blocked:
            choice["finish_reason"] = None
        return choice


def note(progress: Progress, data: Json) -> bool:
    """Take in an event; whether it says something. Raises Failure where it is an error."""
    try:
        raise_error(data)
    except Failure as failure:
        raise in_mid_stream(progress, failure) from None
    candidates = data.get("candidates") or ()
    check_count(candidates)
    says = False
    for candidate in candidates:
        brings, heard = _said((candidate.get("content") or {}).get("parts") or ())
        progress.brought += brings
        says = says or heard
        progress.finishes.note([{"index": candidate.get("index", 0), "finish_reason": finish(candidate)}])
    if _blocked(data):
        progress.finishes.note([{"finish_reason": "content_filter"}])
    usage = data.get("usageMetadata")
    if usage:
        progress.count(_tokens(usage))
    return says


def _said(parts: Sequence[Json]) -> tuple[bool, bool]:
    """Whether the parts bring a piece of the answer, and whether they say anything, if only a thought."""
    brings = says = False
    for part in parts:
        text = part.get("text")
        if text is None or text:
            brings = brings or not part.get("thought")
            says = says or text is None or not text.isspace()
    return brings, says


def finish(candidate: Json) -> Any:
    """Its finish reason, where it has one; raises Failure where the answer is none."""
    reason = candidate.get("finishReason")
    if reason in NO_ANSWER:
        raise Failure(Kind.GARBAGE, f"the answer ended as {reason}")
    return None if reason == "FINISH_REASON_UNSPECIFIED" else reason


def _blocked(data: Json) -> bool:
    return "blockReason" in (data.get("promptFeedback") or {})


def _tokens(usage: Json) -> int | None:
    """The tokens of the answer itself; some models count their thoughts among them."""
    tokens, thoughts = usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount") or 0
    if not isinstance(tokens, int):
        return None
    among = thoughts and (usage.get("promptTokenCount") or 0) + tokens == usage.get("totalTokenCount")
    return tokens - thoughts if among else tokens


def clean(choice: Json) -> Json:
    """A choice in OpenAI's schema; Gemini leaves it to LiteLLM to name its tool calls."""
    choice = clean_choice(choice)
    for call in choice["delta"].get("tool_calls") or ():
        call.setdefault("type", "function")
        call["id"] = call.get("id") or f"call_{uuid.uuid4().hex}"
    return choice


def usage(data: Json) -> Json:
    """OpenAI's usage of a reply or an event that has Gemini's."""
    plain = gemini_plain.usage(data["usageMetadata"])
    return openai_usage(VertexGeminiConfig.calculate_usage(data).model_dump()) if plain is None else plain


def openai_usage(usage: Json) -> Json:
    """OpenAI's usage fields only."""
    kept = {key: usage.get(key) or 0 for key in ("prompt_tokens", "completion_tokens", "total_tokens")}
    for key in ("prompt_tokens_details", "completion_tokens_details"):
        details = {name: value for name, value in (usage.get(key) or {}).items() if value is not None}
        if details:
            kept[key] = details
    return kept


def raise_error(data: Json) -> None:
    """Raises Failure for an error in place of a reply."""
    error = data.get("error")
    if error is None:
        return
    status = error.get("code") if isinstance(error, dict) else None
    if isinstance(status, int) and 400 <= status < 500:
        raise Failure(classify(status), "an error came in place of the reply", status=status)
    raise Failure(Kind.STREAM_ERROR, "an error came in place of the reply")

"""Gemini's replies of plain text, which most are, read without LiteLLM's classes, which take 0.1 ms an event; and
conversations of plain text written, of which LiteLLM takes 10 us a message.

What is not known to be plain is left to LiteLLM's translation; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from gateway.lanes.wire import Json

TOP_FIELDS = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
#: Of these only the first three mean anything to OpenAI's clients.
CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index", "safetyRatings", "avgLogprobs", "tokenCount"})
CONTENT_FIELDS = frozenset({"parts", "role"})
FINISHES = {None: None, "STOP": "stop", "MAX_TOKENS": "length"}
USAGE_FIELDS = frozenset(
    {
        "promptTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "promptTokensDetails",
    }
)


ROLES = {"user": "user", "assistant": "model"}


class Said(NamedTuple):
    """What a candidate says: text, and why it ended, in OpenAI's words, or None."""

    choice: int
    text: str
    finish: str | None

    def as_choice(self, *, first: bool) -> Json:
        """It as a chunk's choice; the ``first`` of a stream tells the role."""
        delta = {"role": "assistant", "content": self.text} if first else {"content": self.text}
        return {"index": self.choice, "delta": delta, "logprobs": None, "finish_reason": self.finish}


def contents(messages: Sequence[Json]) -> list[Json] | None:
    """A conversation as a GenerateContentRequest's ``contents``; None where it is more than texts that the user
    begins."""
    for message in messages:
        text = message.get("content")
        if len(message) != 2 or message.get("role") not in ROLES or type(text) is not str or not text.strip():
            return None
    if not messages or messages[0]["role"] != "user":
        return None
    spoken = groupby(messages, lambda message: ROLES[message["role"]])
    return [{"role": role, "parts": [{"text": one["content"]} for one in said]} for role, said in spoken]


def said(data: Json) -> list[Said] | None:
    """Each candidate of a GenerateContentResponse; None where there is more to it than text."""
    candidates = data.get("candidates")
    if not candidates or not data.keys() <= TOP_FIELDS:
        return None
    found = []
    for place, candidate in enumerate(candidates):
        one = _said(candidate, place) if candidate.keys() <= CANDIDATE_FIELDS else None
        if one is None:
            return None
        found.append(one)
    return found


def only_text(data: Json) -> str | None:
    """The text of an event whose one candidate, the first, says it and goes on; None where there is more to it."""
    candidates = data.get("candidates")
    if type(candidates) is not list or len(candidates) != 1 or not data.keys() <= TOP_FIELDS:
        return None
    candidate = candidates[0]
    if not candidate.keys() <= CANDIDATE_FIELDS or candidate.get("index", 0) != 0 or candidate.get("finishReason"):
        return None
    content = candidate.get("content")
    parts = content.get("parts") if type(content) is dict and content.keys() <= CONTENT_FIELDS else None
    if type(parts) is not list or len(parts) != 1 or len(parts[0]) != 1:
        return None
    text = parts[0].get("text")
    return text if type(text) is str and text else None


def _said(candidate: Json, place: int) -> Said | None:
    content, reason, index = candidate.get("content"), candidate.get("finishReason"), candidate.get("index", place)
    if reason not in FINISHES or type(index) is not int or not isinstance(content, dict):
        return None
    parts = content.get("parts")
    if not content.keys() <= CONTENT_FIELDS or not isinstance(parts, list) or len(parts) != 1:
        return None
    text = parts[0].get("text")
    if len(parts[0]) != 1 or not isinstance(text, str) or not text:
        return None
    return Said(index, text, FINISHES[reason])


def usage(counts: Json) -> Json | None:
    """OpenAI's usage of a text's ``usageMetadata``; None where there is more to it."""
    if not counts.keys() <= USAGE_FIELDS:
        return None
    prompt, answer, total = (_count(counts, f"{name}TokenCount") for name in ("prompt", "candidates", "total"))
    thoughts, cached = counts.get("thoughtsTokenCount"), counts.get("cachedContentTokenCount")
    details = counts.get("promptTokensDetails")
    texts = None if details is None else _texts(details)
    if -1 in (prompt, answer, total, texts) or not _optional(thoughts) or not _optional(cached):
        return None
    among = prompt + answer == total  # some models count their thoughts among the answer's tokens
    made: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": answer if among else answer + (thoughts or 0),
        "total_tokens": total,
    }
    of_prompt = {"cached_tokens": cached, "text_tokens": texts if texts is None else texts - (cached or 0)}
    of_answer = {"reasoning_tokens": thoughts, "text_tokens": answer if answer or thoughts else None}
    for name, kept in (("prompt_tokens_details", of_prompt), ("completion_tokens_details", of_answer)):
        told = {key: value for key, value in kept.items() if value is not None}
        if told:
            made[name] = told
    return made


def _count(counts: Json, name: str) -> int:
    """A count, or -1 for what is none."""
    value = counts.get(name, 0)
    return value if type(value) is int and value >= 0 else -1


def _optional(value: Any) -> bool:
    return value is None or (type(value) is int and value > 0)


def _texts(details: Any) -> int:
    """The tokens of a prompt of text only, or -1."""
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        return -1
    counted = details[0].get("tokenCount")
    plain = details[0].keys() == {"modality", "tokenCount"} and details[0]["modality"] == "TEXT"
    return counted if plain and type(counted) is int and counted >= 0 else -1

"""What servers that speak OpenAI's format say in their own manner, put into OpenAI's words.

Sources: the replies of vLLM, Ollama, llama.cpp, DeepSeek, Mistral and OpenRouter, as `tests/differential` has them.
"""

from __future__ import annotations

from typing import Any

import orjson

Json = dict[str, Any]
FINISHES = frozenset({None, "stop", "length", "tool_calls", "content_filter", "function_call"})
#: Other servers' reasons, in small letters. None is for answers that broke off, whatever the server calls it.
MEANT = {
    "": None,
    "abort": None,
    "aborted": None,
    "cancelled": None,
    "error": None,
    "network_error": None,
    "insufficient_system_resource": None,
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "content_filtered": "content_filter",
}


def mend(choice: Json, said: Json) -> None:
    """Put a choice and what it says (its message or delta) right, in place."""
    if choice.get("finish_reason") not in FINISHES:
        reason = choice["finish_reason"].lower()
        choice["finish_reason"] = reason if reason in FINISHES else MEANT.get(reason, "stop")
    if "index" not in choice:
        choice["index"] = 0
    if "reasoning" in said:  # one name for it, whoever answers
        reasoning = said.pop("reasoning")
        if reasoning is not None and not said.get("reasoning_content"):
            said["reasoning_content"] = reasoning
    for call in said.get("tool_calls") or ():
        function = call.get("function")
        if function and isinstance(function.get("arguments"), dict):
            function["arguments"] = orjson.dumps(function["arguments"]).decode()


class Calls:
    """Numbers the calls of one streamed choice: some servers give none a number, others all of them the same."""

    __slots__ = ("_known", "_last")

    def __init__(self) -> None:
        self._last = -1
        #: Our number, and the call's id, by the server's number.
        self._known: dict[Any, tuple[int, Any]] = {}

    def number(self, piece: Json) -> None:
        """Give a piece its number, in place, and the first one of a call its type. It belongs to the last call of its
        index, unless it has another id; without an index one that names a function begins a call."""
        index, name = piece.get("index"), piece.get("id")
        known = self._known.get(index)
        if index is None:
            begins = bool((piece.get("function") or {}).get("name"))
        else:
            begins = bool(known and name and known[1] and name != known[1])
        if known is None or begins:
            self._last += 1
            known = self._known[index] = self._last, name
            piece["type"] = piece.get("type") or "function"
        piece["index"] = known[0]

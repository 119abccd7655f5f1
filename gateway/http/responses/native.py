"""What of a request only OpenAI itself can carry: what it keeps, and the tools that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
#: Fields that nobody else can make anything of, whatever they say.
KEPT_THERE = ("previous_response_id", "conversation", "prompt", "moderation", "context_management")
#: Values that nobody else can act upon.
DONE_THERE: tuple[tuple[str, Any], ...] = (("background", True), ("store", True), ("truncation", "auto"))
ENCRYPTED = "reasoning.encrypted_content"
#: Of items: what replies have here, or clients add to them, and OpenAI does not take.
OURS = frozenset({"provider_specific_fields", "parsed_arguments"})
CARRIED_ITEMS = frozenset({"message", "function_call", "function_call_output", "reasoning"})
CARRIED_CHOICES = frozenset({"function", "allowed_tools"})


def needs_provider(body: Mapping[str, Any]) -> str | None:
    """The first field of a valid request that makes it one for OpenAI only, as ``tools[1]``; None where a chat has
    words for all of it."""
    return next(_reasons(body), None)


def would_rather(body: Mapping[str, Any]) -> bool:
    """Whether OpenAI's reasoning is to go along with the conversation, sealed. Clients that keep nothing at OpenAI ask
    for it whatever the model is, so that another one's answer simply goes without."""
    given = body.get("input")
    items = given if isinstance(given, list) else ()
    return ENCRYPTED in (body.get("include") or ()) or any(item.get("encrypted_content") for item in items)


def params(body: Mapping[str, Any]) -> Json:
    """The request as OpenAI takes it, without ``model``, ``stream``, nulls, and what our own replies had beside
    OpenAI's fields, which clients send back as it came."""
    kept = {key: value for key, value in body.items() if key not in ("model", "stream") and value is not None}
    if isinstance(kept.get("input"), list):
        kept["input"] = [_native(item) for item in kept["input"]]
    return kept


def _native(item: Json) -> Json:
    item = {key: value for key, value in item.items() if key not in OURS}
    if isinstance(item.get("content"), list):
        item["content"] = [{key: value for key, value in part.items() if key != "parsed"} for part in item["content"]]
    return item


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in KEPT_THERE if body.get(name) not in (None, []))
    yield from (name for name, value in DONE_THERE if body.get(name) == value)
    reasoning = body.get("reasoning") or {}
    if reasoning.get("mode") not in (None, "standard"):
        yield "reasoning.mode"
    if reasoning.get("context") == "all_turns":
        yield "reasoning.context"
    yield from _of_tools(body)
    given = body.get("input")
    for place, item in enumerate(given if isinstance(given, list) else ()):
        yield from _of_item(f"input[{place}]", item)


def _of_tools(body: Mapping[str, Any]) -> Iterator[str]:
    for place, tool in enumerate(body.get("tools") or ()):
        if tool["type"] != "function":
            yield f"tools[{place}]"
        elif tool.get("defer_loading"):
            yield f"tools[{place}].defer_loading"
        elif "programmatic" in (tool.get("allowed_callers") or ()):
            yield f"tools[{place}].allowed_callers"
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice["type"] not in CARRIED_CHOICES:
            yield "tool_choice"
        for place, tool in enumerate(choice.get("tools") or ()):
            if tool["type"] != "function":
                yield f"tool_choice.tools[{place}]"


def _of_item(path: str, item: Mapping[str, Any]) -> Iterator[str]:
    if (item.get("type") or ("message" if "role" in item else "item_reference")) not in CARRIED_ITEMS:
        yield path
        return
    if item.get("namespace"):
        yield f"{path}.namespace"
    if (item.get("caller") or {}).get("type") == "program":
        yield f"{path}.caller"
    for name in ("content", "output"):
        parts = item.get(name)
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            yield from _of_part(f"{path}.{name}[{place}]", part)


def _of_part(path: str, part: Mapping[str, Any]) -> Iterator[str]:
    """A chat has no image that OpenAI keeps, and no file at an address."""
    if part["type"] == "input_image" and part.get("file_id"):
        yield f"{path}.file_id"
    if part["type"] == "input_file" and part.get("file_url"):
        yield f"{path}.file_url"

"""Anthropic's messages as a chat's.

What a chat has no words for is said otherwise: a tool's failure as text before its result, an image in a tool's result
in the user's message that follows. Thoughts are passed over: only the model that thought them could read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.contract import InvalidRequest
from gateway.http import foreign

Json = dict[str, Any]
FAILED = "The tool failed. "


def chat_messages(body: Mapping[str, Any]) -> list[Json]:
    """All messages of a body that fits its schema, the system's first; raises InvalidRequest where there are none."""
    messages = [made for one in body["messages"] for made in MAKERS[one["role"]](one["content"])]
    if not messages:
        raise InvalidRequest("'messages' hold nothing that could be answered.", param="messages")
    return _system(body.get("system") or "") + messages


def _system(content: str | list[Json]) -> list[Json]:
    """One message, or none where it says nothing."""
    if not content:
        return []
    said = content if isinstance(content, str) else foreign.content([foreign.text(one["text"]) for one in content])
    return [{"role": "system", "content": said}]


def _user(content: str | list[Json]) -> list[Json]:
    """The results of tools, each a message, and the rest: a chat wants the results right behind their calls."""
    if isinstance(content, str):
        return [{"role": "user", "content": content}]
    results: list[Json] = []
    parts: list[Json] = []
    for block in content:
        if block["type"] != "tool_result":
            parts += _parts(block)
            continue
        result, seen = _result(block)
        results.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": result})
        if seen:
            parts += [foreign.text(f"Of the result of the tool call {block['tool_use_id']}:"), *seen]
    return [*results, {"role": "user", "content": foreign.content(parts)}] if parts else results


def _result(block: Json) -> tuple[str, list[Json]]:
    """A tool's result: its text, and what is to be seen of it."""
    content = block.get("content") or ""
    parts = [foreign.text(content)] if isinstance(content, str) else [part for one in content for part in _parts(one)]
    words = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return (FAILED if block.get("is_error") else "") + words, [part for part in parts if part["type"] != "text"]


def _parts(block: Json) -> list[Json]:
    """A block that is no tool's, as parts."""
    match block["type"]:
        case "text":
            return [foreign.text(block["text"])]
        case "image":
            source = block["source"]
            known = source["type"] == "url"
            return [foreign.image(source["url"] if known else foreign.data_url(source["media_type"], source["data"]))]
        case "search_result":
            texts = [one["text"] for one in block["content"]]
            return [foreign.text("\n".join([block["title"], block["source"], *texts]))]
        case _:
            return _document(block)


def _document(block: Json) -> list[Json]:
    source, title = block["source"], block.get("title")
    heads = [foreign.text(head) for head in (title, block.get("context")) if head]
    if source["type"] == "base64":
        name = title if title and title.lower().endswith(".pdf") else "document.pdf"
        data = foreign.data_url(source["media_type"], source["data"])
        return [*heads, {"type": "file", "file": {"filename": name, "file_data": data}}]
    if source["type"] == "text":
        return [*heads, foreign.text(source["data"])]
    if isinstance(source["content"], str):
        return [*heads, foreign.text(source["content"])]
    return heads + [part for one in source["content"] for part in _parts(one)]


def _assistant(content: str | list[Json]) -> list[Json]:
    """One message, or none where it holds thoughts only."""
    if isinstance(content, str):
        return [{"role": "assistant", "content": content}]
    texts = [block["text"] for block in content if block["type"] == "text"]
    calls = [
        foreign.tool_call(block["name"], block["id"], block["input"])
        for block in content
        if block["type"] == "tool_use"
    ]
    if not texts and not calls:
        return []
    message: Json = {"role": "assistant", "content": "".join(texts) if texts else None}
    return [message | {"tool_calls": calls} if calls else message]


MAKERS = {"user": _user, "assistant": _assistant, "system": _system}

"""Bodies of chat requests that both wires' tests send."""

from __future__ import annotations

from typing import Any

USER = {"role": "user", "content": "hi"}
PNG = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "look", "description": "looks", "parameters": SCHEMA}}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": "b"}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "found"}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}


def image(url: Any) -> dict[str, Any]:
    """A user's message with an image; ``url`` is a string or OpenAI's object."""
    return {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": url}]}


def file(**fields: str) -> dict[str, Any]:
    """A user's message with a file."""
    return {"role": "user", "content": [{"type": "file", "file": fields}]}

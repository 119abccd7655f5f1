"""A JSON Schema's type and bounds in words, as HTML with links to the shapes that it names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
#: The least, the most, and of what.
RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


def type_of(schema: Json) -> str:
    """``string (1 to 256 characters) or null``."""
    if "$ref" in schema:
        return link("shape", schema["$ref"].removeprefix(SCHEMAS))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return " or ".join(f"<code>{escape(json.dumps(one))}</code>" for one in values)
    bounds = ", ".join(_bounds(schema))
    return _kind(schema) + (f" ({bounds})" if bounds else "")


def link(kind: str, name: str) -> str:
    """A link to the place of the page that tells of it."""
    return f'<a href="#{kind}-{escape(name)}"><code>{escape(name)}</code></a>'


def _kind(schema: Json) -> str:
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    inner = schema.get("additionalProperties")
    return f"object of {type_of(inner)}" if isinstance(inner, dict) else escape(str(kind))


def _bounds(schema: Json) -> Iterator[str]:
    for least, most, of_what in RANGES:
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            yield f"{low} to {high}{of_what}"
        elif low is not None or high is not None:
            yield f"at least {low}{of_what}" if high is None else f"at most {high}{of_what}"
    for word in ("pattern", "format"):
        if word in schema:
            yield f"{word} <code>{escape(schema[word])}</code>"

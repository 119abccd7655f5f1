from __future__ import annotations

from typing import Any

import pytest

from gateway.http.openapi.words import type_of

TEXT = {"type": "string", "minLength": 1, "maxLength": 5}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 9}, "integer (0 to 9)"),
        ({"type": "number", "minimum": 0.1}, "number (at least 0.1)"),
        ({"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]}, "string (at most 5 characters) or null"),
        ({"type": "string", "pattern": "^<a>$"}, "string (pattern <code>^&lt;a&gt;$</code>)"),
        ({"type": "string", "format": "date"}, "string (format <code>date</code>)"),
        ({"enum": ["a", "b"]}, "<code>&quot;a&quot;</code> or <code>&quot;b&quot;</code>"),
        ({"const": True}, "<code>true</code>"),
        ({"type": "array", "items": TEXT, "minItems": 1}, "list of string (1 to 5 characters) (at least 1 items)"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ({"type": "object", "additionalProperties": False}, "object"),
        ({"$ref": "#/components/schemas/chat.Tool"}, '<a href="#shape-chat.Tool"><code>chat.Tool</code></a>'),
        ({}, "anything"),
    ],
)
def test_types_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_of(schema) == words

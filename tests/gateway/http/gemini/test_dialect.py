from __future__ import annotations

from typing import Any

import pytest

from gateway.http.gemini.dialect import json_schema


def test_google_s_words_become_json_schema_s() -> None:
    google = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "enum": ["A"], "example": "A", "minLength": "1"},
            "nullable": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int32"}, "max_items": "5"},
            "any_of": {"anyOf": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "type": "TYPE_UNSPECIFIED"},
        },
        "required": ["type"],
        "propertyOrdering": ["type", "nullable"],
    }
    assert json_schema(google) == {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["A"], "minLength": 1},
            "nullable": {"type": "array", "items": {"type": "integer", "format": "int32"}, "maxItems": 5},
            "any_of": {"anyOf": [{"type": "number"}, {"type": "boolean"}]},
        },
        "required": ["type"],
    }


@pytest.mark.parametrize(
    ("google", "expected"),
    [
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (
            {"type": "STRING", "enum": ["A"], "nullable": True},
            {"type": ["string", "null"], "enum": ["A", None]},
        ),
        (
            {"type": "STRING", "enum": ["OBJECT", "TYPE_UNSPECIFIED"]},
            {"type": "string", "enum": ["OBJECT", "TYPE_UNSPECIFIED"]},
        ),
        ({"type": "STRING", "default": "STRING"}, {"type": "string", "default": "STRING"}),
        (
            {"type": "OBJECT", "additionalProperties": {"type": "STRING"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
        ),
    ],
)
def test_nulls_and_values(google: Any, expected: Any) -> None:
    assert json_schema(google) == expected


def test_json_schema_stays_as_it_is() -> None:
    schema = {
        "type": "object",
        "$defs": {"A": {"type": ["string", "null"], "minLength": 1}},
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"const": {"type": "OBJECT"}}},
        "additionalProperties": False,
    }
    assert json_schema(schema) == schema

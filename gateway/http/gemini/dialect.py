"""Google's dialect of JSON Schema as JSON Schema: types in capitals, ``nullable``, bounds as text, names of its own."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
#: Google's own keywords, and those that OpenAPI has beside JSON Schema.
DROPPED = frozenset({"nullable", "propertyOrdering", "property_ordering", "example"})
RENAMED = {
    "any_of": "anyOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "additional_properties": "additionalProperties",
    "defs": "$defs",
    "ref": "$ref",
}
BOUNDS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
NAMED = frozenset({"properties", "$defs"})
UNSPECIFIED = "TYPE_UNSPECIFIED"


def json_schema(schema: Any) -> Any:
    """The same in JSON Schema's words; what is JSON Schema already stays as it is."""
    if isinstance(schema, list):
        return [json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: Json = {}
    for written, value in schema.items():
        key = str(RENAMED.get(written, written))
        if written not in DROPPED and value != UNSPECIFIED:
            made[key] = _value(key, value)
    if schema.get("nullable") is True:
        _allow_null(made)
    return made


def _value(key: str, value: Any) -> Any:
    if key in NAMED and isinstance(value, dict):
        return {name: json_schema(one) for name, one in value.items()}
    if key == "type":
        return value.lower() if isinstance(value, str) else value
    if key in BOUNDS and isinstance(value, str) and value.isdecimal():
        return int(value)
    return json_schema(value) if key in ("items", "anyOf", "additionalProperties") else value


def _allow_null(schema: Json) -> None:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]

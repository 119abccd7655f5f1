"""The least JSON value that fits a JSON Schema, or Gemini's dialect of it (types in capitals, nullable)."""

from typing import Any

MAX_DEPTH = 30
NULL_DEPTH = 6  # below this, a nullable value is null, so that recursive schemas end
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "a@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance(schema: Any) -> Any:
    """A minimal instance: required properties only (all, where `required` is absent), `minItems` items.

    Knows type, enum, const, anyOf, oneOf, allOf, $ref into the same document, and the simple bounds.
    """
    return _make(schema, schema, 0)


def _make(schema: Any, root: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return None
    schema = _flat(schema, root, depth)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = _kind(schema, depth)
    if kind == "object":
        return _object(schema, root, depth)
    if kind == "array":
        return [_make(schema.get("items", {}), root, depth + 1) for _ in range(int(schema.get("minItems", 0)))]
    return _scalar(kind, schema)


def _flat(schema: Any, root: Any, depth: int) -> dict[str, Any]:
    """Follows $ref, takes the first alternative and merges allOf, until none is left."""
    for _ in range(MAX_DEPTH):
        if not isinstance(schema, dict):
            return {}
        rest = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
        if isinstance(schema.get("$ref"), str):
            schema = rest | _target(schema["$ref"], root)
        elif options := schema.get("anyOf") or schema.get("oneOf"):
            schema = rest | _option(options, depth)
        elif parts := schema.get("allOf"):
            schema = _merged([rest, *(_flat(part, root, depth) for part in parts)])
        else:
            return schema
    return {}


def _target(reference: str, root: Any) -> dict[str, Any]:
    found = root
    for step in reference.removeprefix("#").split("/")[1:]:
        found = found.get(step, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _option(options: list[Any], depth: int) -> dict[str, Any]:
    null = {"type": "null"}
    picked = null if depth > NULL_DEPTH and null in options else options[0]
    return picked if isinstance(picked, dict) else {}


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        joined = {
            "properties": whole.get("properties", {}) | part.get("properties", {}),
            "required": [*whole.get("required", []), *part.get("required", [])],
        }
        whole |= part | {key: value for key, value in joined.items() if value}
    return whole


def _kind(schema: dict[str, Any], depth: int) -> str:
    kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else "string")
    kinds = [str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds])]
    nullable = schema.get("nullable") or "null" in kinds
    return "null" if nullable and depth > NULL_DEPTH else kinds[0]


def _object(schema: dict[str, Any], root: Any, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {name: _make(properties.get(name, {}), root, depth + 1) for name in schema.get("required", properties)}


def _scalar(kind: str, schema: dict[str, Any]) -> Any:
    if kind == "boolean":
        return True
    if kind in ("number", "integer"):
        return _number(schema, whole=kind == "integer")
    if kind == "string":
        text = FORMATS.get(schema.get("format", ""), "text")
        text += "x" * (int(schema.get("minLength", 0)) - len(text))
        return text[: int(schema.get("maxLength", len(text)))]
    return None


def _number(schema: dict[str, Any], *, whole: bool) -> float:
    step = 1 if whole else 0.5
    value: float = 0 if whole else 0.0
    if "minimum" in schema:
        value = max(value, schema["minimum"])
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value = schema["exclusiveMinimum"] + step
    if "maximum" in schema:
        value = min(value, schema["maximum"])
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        value = schema["exclusiveMaximum"] - step
    return value

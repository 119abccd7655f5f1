"""Whether a payload plainly fits its schema, which most do: the library that words what is wrong takes 0.1 ms for that.

Only plain keywords are looked at; for anything else nothing is claimed. A test holds it against the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Node = Mapping[str, Any]
Resolve = Callable[[Any], Node]
ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated", "readOnly"}
)


def fits(value: Any, schema: Any, resolve: Resolve) -> bool:
    """True where ``value`` is certain to fit; ``resolve`` follows a schema's ``$ref``."""
    if not isinstance(schema, Mapping):
        return False
    if "$ref" in schema:
        return len(schema) == 1 and fits(value, resolve(schema), resolve)
    made_of, known, check = CHECKS.get(str(schema.get("type")), NO_CHECK)
    if not isinstance(value, made_of) or not schema.keys() - ANNOTATIONS <= known:
        return False
    return check(value, schema, resolve)


def _text(value: str, schema: Node, resolve: Resolve) -> bool:
    del resolve
    one_of = schema.get("enum", (value,))
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and value in one_of
        and schema.get("const", value) == value
    )


def _list(value: list[Any], schema: Node, resolve: Resolve) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    return "items" not in schema or all(fits(item, schema["items"], resolve) for item in value)


def _object(value: dict[str, Any], schema: Node, resolve: Resolve) -> bool:
    properties = schema.get("properties", {})
    if not value.keys() >= set(schema.get("required", ())):
        return False
    if not value.keys() <= properties.keys() and schema.get("additionalProperties", True) is not True:
        return False
    return all(fits(inner, properties[key], resolve) for key, inner in value.items() if key in properties)


def _nothing_more(value: Any, schema: Node, resolve: Resolve) -> bool:
    del value, schema, resolve
    return True


#: By type: what it is in Python, the keywords that are looked at, and how.
CHECKS: Mapping[str, tuple[type | tuple[()], frozenset[str], Callable[[Any, Node, Resolve], bool]]] = {
    "string": (str, frozenset({"type", "minLength", "maxLength", "enum", "const"}), _text),
    "array": (list, frozenset({"type", "items", "minItems", "maxItems"}), _list),
    "object": (dict, frozenset({"type", "properties", "required", "additionalProperties"}), _object),
    "boolean": (bool, frozenset({"type"}), _nothing_more),
}
NO_CHECK = ((), frozenset[str](), _nothing_more)

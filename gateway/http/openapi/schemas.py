"""The JSON Schemas of bodies and replies, from the types that check or describe them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema

Json = dict[str, Any]
REFERENCE = "#/components/schemas/"
MODE: Literal["validation"] = "validation"
#: pydantic's name for one of several types of a name, which tells its module too.
LONG_NAME = re.compile(r"gateway__http__(?:\w+__)?(\w+?)__(\w+)")


class _Plain(GenerateJsonSchema):
    """Without a title for each field, which would be its name once more."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        del schema
        return False


def gather(types: Sequence[Any]) -> tuple[list[Json], Json]:
    """The schema of each type, and the components that they refer to, by name and in its order."""
    adapters = [one if isinstance(one, TypeAdapter) else TypeAdapter(one) for one in types]
    inputs = [(number, MODE, adapter) for number, adapter in enumerate(adapters)]
    made, definitions = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE + "{model}", schema_generator=_Plain)
    schemas = [_tidy(made[number, MODE]) for number in range(len(adapters))]
    components = {_short(name): _tidy(one) for name, one in definitions.get("$defs", {}).items()}
    # What a file is turned into here has a definition too, to which nothing refers.
    told = json.dumps([schemas, components])
    return schemas, {name: one for name, one in sorted(components.items()) if f'"{REFERENCE}{name}"' in told}


def _tidy(schema: Any) -> Any:
    """With short names, and ``anyOf`` for ``oneOf``: what tells its members apart here is no part of a JSON Schema, and
    where two of them are of one shape a value fits both."""
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if set(schema) == {"$ref"}:
        return {"$ref": REFERENCE + _short(schema["$ref"].removeprefix(REFERENCE))}
    tidy = {key: _tidy(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    if isinstance(tidy.get("oneOf"), list):
        tidy["anyOf"] = _once(tidy.pop("oneOf"))
    return tidy


def _once(schemas: list[Json]) -> list[Json]:
    return [one for number, one in enumerate(schemas) if one not in schemas[:number]]


def _short(name: str) -> str:
    """``chat.Tool`` for a type that shares its name with another module's."""
    found = LONG_NAME.fullmatch(name)
    return ".".join(found.groups()) if found else name

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.openapi.schemas import gather
from gateway.http.schema import CHAT
from gateway.http.schema.anthropic import MESSAGES
from gateway.http.schema.transcription import TRANSLATION


class Inner(TypedDict):
    title: Annotated[str, Field(max_length=5)]


class Outer(TypedDict):
    """What it is."""

    inner: Inner
    kind: Literal["a", "b"]


def references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for one in schema for name in references(one)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    return own | {name for one in schema.values() for name in references(one)}


def test_types_become_components_without_titles_of_their_fields() -> None:
    (schema,), components = gather([Outer])
    assert schema == {"$ref": "#/components/schemas/Outer"}
    assert components["Inner"]["properties"] == {"title": {"type": "string", "maxLength": 5}}
    assert components["Outer"]["description"] == "What it is."
    assert list(components) == sorted(components)


def test_a_file_is_a_part_of_a_form_and_not_what_becomes_of_it_here() -> None:
    _, components = gather([TRANSLATION])
    assert components["TranslationBody"]["properties"]["file"] == {"type": "string", "format": "binary"}
    assert set(components) == {"TranslationBody"}


def test_a_type_and_its_adapter_are_one() -> None:
    schemas, components = gather([TypeAdapter(Outer), Outer, list[Inner]])
    assert schemas[0] == schemas[1]
    assert schemas[2] == {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}
    assert set(components) == {"Inner", "Outer"}


def test_types_of_one_name_are_told_apart_by_their_modules() -> None:
    schemas, components = gather([CHAT, MESSAGES])
    assert {"chat.Tool", "anthropic.Tool", "ChatBody", "MessagesBody"} <= set(components)
    prefix = "#/components/schemas/"
    assert references([schemas, components]) <= {prefix + name for name in components}


def test_a_union_s_members_are_each_there_once() -> None:
    """Two formats are one shape, which a value could not fit exactly one of."""
    _, components = gather([CHAT])
    formats = components["ChatBody"]["properties"]["response_format"]["anyOf"]
    named = [one["$ref"] for one in formats[0].get("anyOf", formats) if "$ref" in one]
    assert len(named) == len(set(named)) == 2
    assert "oneOf" not in str(components)

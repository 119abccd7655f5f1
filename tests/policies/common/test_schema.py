from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.settings.load import PROJECT
from policies.common.schema import Schema

CARD: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.com/card.json",
    "title": "A card",
    "type": "object",
    "required": ["title", "lines"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 20, "title": "The title"},
        "code": {"type": "string", "pattern": "^[a-z]+$"},
        "count": {"type": "integer"},
        "lines": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/line"}},
    },
    "$defs": {
        "line": {
            "type": "object",
            "required": ["text"],
            "properties": {"text": {"type": "string"}, "action": {"type": "string"}},
        }
    },
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**CARD, **changes}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "'type' must be 'object'"),
        ({"type": "array"}, "'type' must be 'object'"),
        (changed(required="title"), r"not a JSON Schema: \$.required"),
        (changed(properties={"a": {"type": "text"}}), r"not a JSON Schema: \$.properties.a.type"),
        (changed(properties={"a": {"$ref": "https://example.com/x.json"}}), "'#/', as nothing is fetched"),
        (changed(properties={"a": {"$ref": "other.json#/a"}}), "'#/', as nothing is fetched"),
        (changed(properties={"a": {"$ref": "#name"}}), "'#/', as nothing is fetched"),
        (changed(properties={"a": {"$ref": "#/$defs/none"}}), "'#/\\$defs/none', which the schema does not hold"),
        (changed(**{"$defs": {"line": {"$ref": "#/$defs/line"}}}), "leads back to itself"),
        (changed(properties={"a": {"anyOf": [{"$dynamicRef": "#x"}]}}), r"'\$dynamicRef' is not supported"),
        (changed(properties={"a": {"$id": "https://example.com/"}}), r"'\$id' is not supported"),
        (changed(properties={"a": {"pattern": "(a"}}), "'\\(a' is not a 'regex'"),
        (changed(properties={"a": {"items": {"pattern": "(?=a)"}}}), "pattern '\\(\\?=a\\)' can't be used"),
    ],
)
def test_a_schema_that_can_t_be_used_is_refused(document: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Schema(document)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"title": "a", "lines": [{"text": "b"}], "code": "abc"}, None),
        ({"title": "a"}, "$: 'lines' is a required property"),
        ({"title": "", "lines": []}, "$.title: '' should be non-empty"),
        ({"title": "a", "lines": [{}]}, "$.lines[0]: 'text' is a required property"),
        ({"title": "a", "lines": [], "x": 1}, "$: Additional properties are not allowed ('x' was unexpected)"),
        ({"title": "a", "lines": [], "code": "a1"}, "$.code: 'a1' does not match '^[a-z]+$'"),
        ([], "$: [] is not of type 'object'"),
    ],
)
def test_a_problem_is_said_with_its_place(payload: Any, problem: str | None) -> None:
    assert Schema(CARD).problem(payload) == problem


def test_a_problem_is_short_whatever_the_payload() -> None:
    said = Schema(CARD).problem({"title": "word " * 100_000, "lines": []})
    assert said is not None and len(said) < 500 and "\n" not in said


def test_a_pattern_is_linear_in_the_text() -> None:
    schema = Schema(changed(properties={"a": {"type": "string", "pattern": "^(a+)+$"}}, required=["a"]))
    assert schema.problem({"a": "a" * 5000 + "!"}) and schema.problem({"a": "a" * 5000}) is None


def test_a_schema_without_an_end_makes_no_payload_fit_and_does_not_raise() -> None:
    schema = Schema(
        changed(allOf=[{"$ref": "#/$defs/x"}], **{"$defs": {**CARD["$defs"], "x": {"allOf": [{"$ref": "#/$defs/x"}]}}})
    )
    assert schema.problem({"title": "a", "lines": []}) == "it is nested too deeply"


@pytest.mark.parametrize(
    ("payload", "fitted"),
    [
        ({"title": "short", "lines": []}, {"title": "short", "lines": []}),
        ({"title": "a title that is far too long", "lines": []}, {"title": "a title that is far…", "lines": []}),
        (
            {"title": "a", "lines": [{"text": "b"}, {"x": "c"}, {"text": "d"}, {"text": "e"}]},
            {"title": "a", "lines": [{"text": "b"}, {"text": "d"}]},
        ),
        ({"title": "a", "lines": [{"text": "b"}, {"text": "b"}]}, {"title": "a", "lines": [{"text": "b"}]}),
        ({"title": "a", "lines": [], "count": "7"}, {"title": "a", "lines": [], "count": 7}),
        ({"title": "a", "lines": [], "count": "many"}, {"title": "a", "lines": []}),
        ({"title": "a"}, {}),
        ({"title": "1" * 50, "lines": []}, {}),
    ],
)
def test_a_payload_is_fitted_by_leaving_out(payload: Any, fitted: Any) -> None:
    assert Schema(CARD).fitted(payload) == fitted


def test_the_properties_names_are_known() -> None:
    assert Schema(CARD).names == {"title", "code", "count", "lines", "text", "action"}


def test_a_provider_is_told_the_shape_only() -> None:
    told, strict = Schema(CARD).for_model(["call", "mail"])
    text = json.dumps(told)
    assert not strict
    for keyword in ("$schema", "$id", "minLength", "maxLength", "pattern", "A card", "The title"):
        assert keyword not in text
    assert told["properties"]["title"] == {"type": "string"}
    assert told["properties"]["lines"]["maxItems"] == 2
    assert told["$defs"]["line"]["properties"]["action"]["enum"] == ["call", "mail"]
    assert "minLength" in json.dumps(CARD) and "enum" not in json.dumps(CARD)


CLOSED = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("changes", "strict"),
    [
        ({}, True),
        ({"properties": {"a": CLOSED}}, True),
        ({"properties": {"a": {"anyOf": [{"type": "null"}, CLOSED]}}}, True),
        ({"required": []}, False),
        ({"additionalProperties": True}, False),
        ({"properties": {"a": {"type": "object"}}}, False),
        ({"properties": {"a": {}}}, False),
        ({"properties": {"a": {"oneOf": [{"type": "null"}]}}}, False),
    ],
)
def test_strict_is_for_schemas_of_closed_objects(changes: dict[str, Any], strict: bool) -> None:
    assert Schema({**CLOSED, **changes}).for_model([])[1] is strict


@pytest.mark.parametrize("name", ["suggestions", "lead_profile", "risks"])
def test_the_shipped_schemas_can_be_told_strictly(name: str) -> None:
    document = json.loads((PROJECT / f"config/schemas/{name}.json").read_text())
    assert Schema(document).for_model(["view_profile"])[1]

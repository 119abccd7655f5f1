"""Held against the library that it spares the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from policies.common.fits import fits
from tests.support.fakes import PROPERTY

NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["", "x", "xy", "xyz", "é☃"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats(0, 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    sizes = st.integers(0, 3)
    lists = {"items": inner, "minItems": sizes, "maxItems": sizes, "uniqueItems": st.booleans()}
    objects = {
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "required": st.lists(NAMES, unique=True, max_size=2),
        "additionalProperties": st.booleans() | inner,
    }
    return st.fixed_dictionaries({"type": st.just("array")}, optional=lists) | st.fixed_dictionaries(
        {"type": st.just("object")}, optional=objects
    )


SIMPLE = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "boolean", "number", "integer", "null"])},
    optional={
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "enum": st.lists(TEXTS, min_size=1, max_size=3),
        "const": TEXTS,
        "description": TEXTS,
        "not": st.just({"type": "string"}),
        "pattern": st.just("x"),
    },
)
SCHEMAS = st.recursive(SIMPLE | st.just({"$ref": "#/$defs/text"}), _schemas, max_leaves=6)
TEXT = {"type": "string", "maxLength": 2}


def resolve(node: Any) -> Mapping[str, Any]:
    assert node == {"$ref": "#/$defs/text"}
    return TEXT


@PROPERTY
@given(VALUES, SCHEMAS)
def test_what_is_said_to_fit_does(value: Any, schema: dict[str, Any]) -> None:
    if fits(value, schema, resolve):
        assert Draft202012Validator({**schema, "$defs": {"text": TEXT}}).is_valid(value)


PLAIN = {
    "type": "object",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 80, "description": "a heading"},
        "bullets": {"type": "array", "items": {"$ref": "#/$defs/text"}, "maxItems": 3},
        "open": {"type": "boolean"},
        "kind": {"type": "string", "enum": ["x", "y"]},
    },
}


def test_a_plain_payload_is_known_to_fit() -> None:
    assert fits({"title": "hi", "bullets": ["a", "bc"], "open": True, "kind": "x"}, PLAIN, resolve)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"title": ""},
        {"title": 3},
        {"title": "hi", "more": 1},
        {"title": "hi", "bullets": ["long"]},
        {"title": "hi", "bullets": ["a"] * 4},
        {"title": "hi", "open": "yes"},
        {"title": "hi", "kind": "z"},
        [],
        None,
    ],
)
def test_what_does_not_fit_is_never_said_to(payload: Any) -> None:
    assert not fits(payload, PLAIN, resolve)

"""Bounds on callers' JSON Schemas."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.http.json_schema import DEEPEST, MOST_NODES, bounded


def doubling(levels: int) -> dict[str, Any]:
    """Each definition stands for two of the one before: 2 KB that stand for 2**levels parts."""
    definitions: dict[str, Any] = {"d0": {"type": "string"}}
    for level in range(1, levels + 1):
        reference = {"$ref": f"#/$defs/d{level - 1}"}
        definitions[f"d{level}"] = {"type": "object", "properties": {"a": reference, "b": reference}}
    return {"type": "object", "properties": {"x": {"$ref": f"#/$defs/d{levels}"}}, "$defs": definitions}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize("schema", [{}, doubling(5), nested(DEEPEST - 1), {"enum": list(range(MOST_NODES - 5))}])
def test_what_people_write_passes_as_it_is(schema: dict[str, Any]) -> None:
    assert bounded(schema) is schema


def test_a_schema_that_leads_back_to_itself_passes() -> None:
    node = {"properties": {"next": {"$ref": "#/$defs/node"}, "all": {"$ref": "#"}}}
    bounded({"$ref": "#/$defs/node", "$defs": {"node": node}})


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (doubling(18), "with its references written out"),
        (doubling(60), "levels deep"),
        ({"enum": [0] * MOST_NODES}, "parts"),
        (nested(DEEPEST + 1), "levels deep"),
    ],
    ids=["2 KB", "deep doubling", "wide", "deep"],
)
def test_what_would_be_written_out_without_end_is_refused_at_once(schema: dict[str, Any], says: str) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=says):
        bounded(schema)
    assert time.process_time() - started < 1


def test_a_reference_to_nothing_is_the_providers_to_judge() -> None:
    bounded({"$ref": "#/$defs/none", "anyOf": [{"$ref": "https://example.com/x"}, {"$ref": ""}]})

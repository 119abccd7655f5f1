from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import InvalidRequest
from gateway.http import schema


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"context": {"category": "sales", "categories": ["a", "b"], "lead": {"name": "x"}, "any": [1]}},
        {"context": None, "limit": None, "json_mode": None},
        {"context": {"category": None, "categories": None}},
        {"limit": 1},
        {"limit": 20, "json_mode": True},
    ],
)
def test_what_is_taken(body: dict[str, Any]) -> None:
    schema.check(schema.KNOWLEDGE, {"query": "why?", **body})


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"query": " "}, "query", "invalid_value"),
        ({"query": None}, "query", "invalid_type"),
        ({"query": "x" * 100_001}, "query", "invalid_value"),
        ({"stream": False}, "stream", "unknown_parameter"),
        ({"ui_capabilities": []}, "ui_capabilities", "unknown_parameter"),
        ({"limit": 0}, "limit", "invalid_value"),
        ({"limit": 21}, "limit", "invalid_value"),
        ({"limit": "3"}, "limit", "invalid_type"),
        ({"limit": 3.0}, "limit", "invalid_type"),
        ({"limit": True}, "limit", "invalid_type"),
        ({"json_mode": 1}, "json_mode", "invalid_type"),
        ({"context": []}, "context", "invalid_type"),
        ({"context": {"category": 7}}, "context.category", "invalid_type"),
        ({"context": {"categories": "sales"}}, "context.categories", "invalid_type"),
        ({"context": {"categories": [None]}}, "context.categories[0]", "invalid_type"),
        ({"context": {"conversation_id": 7}}, "context.conversation_id", "invalid_type"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        schema.check(schema.KNOWLEDGE, {"query": "why?", **body})
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_query_is_needed() -> None:
    with pytest.raises(InvalidRequest) as caught:
        schema.check(schema.KNOWLEDGE, {})
    assert (caught.value.param, caught.value.code) == ("query", "missing_required_parameter")

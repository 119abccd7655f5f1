from __future__ import annotations

from typing import Any

import pytest

from gateway.http import schema
from tests.support.schema import refused

QUESTION: dict[str, Any] = {"query": "hello"}


@pytest.mark.parametrize(
    "changes",
    [
        {"context": {"lead": {"name": "Ann"}, "anything": [1, {"a": None}]}},
        {
            "context": {
                "conversation_history": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
            }
        },
        {"context": {"conversation_history": None, "conversation_id": None, "lead": None}},
        {"context": None, "ui_capabilities": None, "stream": None},
        {"ui_capabilities": []},
        {"ui_capabilities": ["modals", "toasts"], "stream": True},
    ],
)
def test_a_question_is_accepted(changes: dict[str, Any]) -> None:
    schema.check(schema.QUESTION, {**QUESTION, **changes})


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"query": ""}, "invalid_value", "query"),
        ({"query": " \n"}, "invalid_value", "query"),
        ({"query": None}, "invalid_type", "query"),
        ({"query": "a" * 100_001}, "invalid_value", "query"),
        ({"context": []}, "invalid_type", "context"),
        ({"context": {"lead": "Ann"}}, "invalid_type", "context.lead"),
        ({"context": {"conversation_id": 5}}, "invalid_type", "context.conversation_id"),
        (
            {"context": {"conversation_history": [{"role": "system", "content": "a"}]}},
            "invalid_value",
            "context.conversation_history[0].role",
        ),
        ({"ui_capabilities": "modals"}, "invalid_type", "ui_capabilities"),
        ({"ui_capabilities": [1]}, "invalid_type", "ui_capabilities[0]"),
        ({"stream": "yes"}, "invalid_type", "stream"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(changes: dict[str, Any], code: str, param: str) -> None:
    error = refused(schema.QUESTION, {**QUESTION, **changes})
    assert (error.code, error.param) == (code, param)

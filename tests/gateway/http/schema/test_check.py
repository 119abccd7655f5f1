from __future__ import annotations

from typing import Any

import pytest

from gateway.http import schema
from tests.support.schema import ATTACKS, refused

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
EMBEDDING: dict[str, Any] = {"model": "m", "input": "hello"}
QUESTION: dict[str, Any] = {"query": "hello"}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(
    ("adapter", "body"),
    [(schema.CHAT, CHAT), (schema.EMBEDDING, EMBEDDING), (schema.QUESTION, QUESTION)],
    ids=["chat", "embedding", "question"],
)
@pytest.mark.parametrize("value", ["http://evil", None], ids=["text", "null"])
def test_every_other_parameter_is_refused_by_its_name(
    adapter: Any, body: dict[str, Any], name: str, value: Any
) -> None:
    error = refused(adapter, {**body, name: value})
    assert (error.code, error.param) == ("unknown_parameter", name)
    assert f"'{name}'" in error.message
    assert "evil" not in error.message


def test_a_message_repeats_nothing_of_a_value() -> None:
    for name, value in (("model", ["hunter2"]), ("user", {"hunter2": 1}), ("reasoning_effort", "hunter2")):
        assert "hunter2" not in refused(schema.CHAT, {**CHAT, name: value}).message


def test_a_name_of_any_length_makes_no_longer_error() -> None:
    error = refused(schema.CHAT, {**CHAT, "x" * 100_000: 1})
    assert len(error.message) < 300 and error.param is not None and len(error.param) < 300


def test_a_name_in_angle_brackets_is_named_too() -> None:
    assert refused(schema.CHAT, {**CHAT, "<api_base>": 1}).param == "<api_base>"

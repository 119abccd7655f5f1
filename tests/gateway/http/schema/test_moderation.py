from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.moderation_create_params import ModerationCreateParams

from gateway.http import schema
from gateway.http.schema.moderation import MODERATION, ModerationBody
from tests.support.schema import ATTACKS, refused

TEXT, IMAGE = {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(ModerationBody)) == set(get_type_hints(ModerationCreateParams))


@pytest.mark.parametrize("given", ["a", "", ["a", "b"], [TEXT], [TEXT, IMAGE]])
def test_what_openai_s_schema_has_is_accepted(given: Any) -> None:
    schema.check(MODERATION, {"input": given})
    schema.check(MODERATION, {"input": given, "model": None})


@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(name: str) -> None:
    assert refused(MODERATION, {"input": "a", name: "x"}).param == name


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "input"),
        (5, "input"),
        ([], "input"),
        ([5], "input[0]"),
        (["a", TEXT], "input[1]"),
        ([TEXT, "a"], "input[1].type"),
        ([{"type": "audio"}], "input[0].type"),
        ([{**IMAGE, "x": 1}], "input[0].x"),
        ([{"type": "image_url", "image_url": {"url": ""}}], "input[0].image_url.url"),
    ],
)
def test_what_is_wrong_is_named(given: Any, param: str) -> None:
    assert refused(MODERATION, {"input": given}).param == param

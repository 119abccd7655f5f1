from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.embedding_create_params import EmbeddingCreateParams

from gateway.http import schema
from gateway.http.schema.embedding import EmbeddingBody
from tests.support.schema import refused

EMBEDDING: dict[str, Any] = {"model": "m", "input": "hello"}


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(EmbeddingBody)) == set(get_type_hints(EmbeddingCreateParams))


@pytest.mark.parametrize("given", ["a", ["a", "b"], [1, 2], [[1, 2], [3]]])
def test_every_kind_of_input_is_accepted(given: Any) -> None:
    schema.check(schema.EMBEDDING, {**EMBEDDING, "input": given})


@pytest.mark.parametrize("name", ["encoding_format", "dimensions", "user"])
def test_an_embedding_s_nulls_are_as_good_as_nothing(name: str) -> None:
    schema.check(schema.EMBEDDING, {**EMBEDDING, name: None})


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"input": ""}, "invalid_value", "input"),
        ({"input": []}, "invalid_value", "input"),
        ({"input": [""]}, "invalid_value", "input[0]"),
        ({"input": ["a", 1]}, "invalid_type", "input[1]"),
        ({"input": [1, "a"]}, "invalid_type", "input[1]"),
        ({"input": [-1]}, "invalid_value", "input[0]"),
        ({"input": [[]]}, "invalid_value", "input[0]"),
        ({"input": [True]}, "invalid_type", "input[0]"),
        ({"input": 5}, "invalid_type", "input"),
        ({"input": None}, "invalid_type", "input"),
        ({"input": ["a"] * 2049}, "invalid_value", "input"),
        ({"encoding_format": "hex"}, "invalid_value", "encoding_format"),
        ({"dimensions": 0}, "invalid_value", "dimensions"),
    ],
)
def test_what_is_wrong_with_an_embedding_is_named(changes: dict[str, Any], code: str, param: str) -> None:
    error = refused(schema.EMBEDDING, {**EMBEDDING, **changes})
    assert (error.code, error.param) == (code, param)

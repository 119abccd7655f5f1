from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.image_generate_params import ImageGenerateParamsStreaming

from gateway.http import schema
from gateway.http.schema.images import IMAGE, ImageBody
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

DRAWN: dict[str, Any] = {"prompt": "a"}
OPENAIS = get_type_hints(ImageGenerateParamsStreaming)
WORDS = {name: literals(hint) for name, hint in OPENAIS.items() if name not in ("model", "size", "stream")}


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(ImageBody)) == set(OPENAIS)


@pytest.mark.parametrize("name", sorted(name for name, words in WORDS.items() if words))
def test_it_has_openai_s_words(name: str) -> None:
    for word in WORDS[name]:
        schema.check(IMAGE, {**DRAWN, name: word})
    assert refused(IMAGE, {**DRAWN, name: "other"}).param == name


@pytest.mark.parametrize("size", sorted(literals(OPENAIS["size"])))
def test_it_has_openai_s_sizes_and_any_other(size: str) -> None:
    schema.check(IMAGE, {**DRAWN, "size": size})
    schema.check(IMAGE, {**DRAWN, "size": "2048x1152"})


@pytest.mark.parametrize("name", sorted(set(OPENAIS) - {"prompt"}))
def test_a_null_is_as_good_as_nothing(name: str) -> None:
    schema.check(IMAGE, {**DRAWN, name: None})


@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(name: str) -> None:
    assert refused(IMAGE, {**DRAWN, name: "x"}).param == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prompt", ""), ("prompt", "a" * 32_001), ("n", 0), ("n", 11), ("n", True), ("output_compression", 101),
        ("partial_images", 4), ("size", "huge"), ("size", "0x10"), ("stream", "yes"), ("user", 5), ("model", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(name: str, value: Any) -> None:
    assert refused(IMAGE, {**DRAWN, name: value}).param == name

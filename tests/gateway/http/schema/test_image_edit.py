from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.image_edit_params import ImageEditParamsStreaming

from gateway.contract import Upload
from gateway.http import schema
from gateway.http.schema.image_edit import IMAGE_EDIT, ImageEditBody
from tests.support.parameter_types import literals
from tests.support.schema import ATTACKS, refused

FILE = Upload("a.png", b"x", "image/png")
BODY: dict[str, Any] = {"image": FILE, "prompt": "a cat"}
#: One good value for every parameter: the whole of what may be sent.
GOOD: dict[str, list[Any]] = {
    "image": [FILE, [FILE] * 16],
    "prompt": ["a"],
    "background": ["auto"],
    "input_fidelity": ["high"],
    "mask": [FILE],
    "model": ["m"],
    "n": ["1", "10"],
    "output_compression": ["0", "100"],
    "output_format": ["webp"],
    "partial_images": ["3"],
    "quality": ["standard"],
    "response_format": ["url"],
    "size": ["auto", "1024x1536"],
    "stream": ["true"],
    "user": ["u"],
}


def test_the_table_has_what_openai_s_client_can_send() -> None:
    assert set(get_type_hints(ImageEditBody)) == set(get_type_hints(ImageEditParamsStreaming)) == set(GOOD)


@pytest.mark.parametrize("name", ["background", "input_fidelity", "output_format", "quality", "response_format"])
def test_the_values_are_those_of_openai_s_client(name: str) -> None:
    ours, theirs = (get_type_hints(one)[name] for one in (ImageEditBody, ImageEditParamsStreaming))
    assert literals(ours) == literals(theirs)


@pytest.mark.parametrize("name", GOOD)
def test_what_openai_s_schema_has_is_accepted(name: str) -> None:
    for value in GOOD[name]:
        schema.check(IMAGE_EDIT, {**BODY, name: value})


@pytest.mark.parametrize("name", ATTACKS)
def test_anything_else_is_refused(name: str) -> None:
    error = refused(IMAGE_EDIT, {**BODY, name: "x"})
    assert (error.code, error.param) == ("unknown_parameter", name)


@pytest.mark.parametrize(
    ("name", "value", "param"),
    [
        ("image", "text", "image"),
        ("image", [FILE, "text"], "image[1]"),
        ("image", [FILE] * 17, "image"),
        ("mask", "text", "mask"),
        ("n", "11", "n"),
        ("size", "huge", "size"),
    ],
    ids=["text", "list", "many", "mask", "n", "size"],
)
def test_what_is_wrong_is_named(name: str, value: Any, param: str) -> None:
    assert refused(IMAGE_EDIT, {**BODY, name: value}).param == param

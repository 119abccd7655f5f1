from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from gateway.contract import Upload
from gateway.http import schema
from gateway.http.schema.forms import FORM, File, Listed
from tests.support.schema import refused


@FORM
class Body(TypedDict, total=False):
    """A form."""

    file: File
    number: int
    share: float
    flag: bool
    names: Annotated[list[str], Listed]


TABLE: TypeAdapter[Body] = TypeAdapter(Body)


def test_text_becomes_what_the_table_wants() -> None:
    assert schema.check(TABLE, {"number": "5", "share": "0.5", "flag": "true", "names": "a"}) == {
        "number": 5,
        "share": 0.5,
        "flag": True,
        "names": ["a"],
    }


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"file": "text"}, "invalid_type", "file"),
        ({"file": Upload("a", b"", "text/plain")}, "invalid_value", "file"),
        ({"number": "5.5"}, "invalid_value", "number"),
        ({"number": Upload("a", b"x", "text/plain")}, "invalid_type", "number"),
        ({"share": "nothing"}, "invalid_value", "share"),
        ({"names": [Upload("a", b"x", "text/plain")]}, "invalid_type", "names[0]"),
        ({"other": "x"}, "unknown_parameter", "other"),
    ],
    ids=["text", "empty", "fraction", "file", "word", "list", "other"],
)
def test_what_is_wrong_is_named(body: dict[str, Any], code: str, param: str) -> None:
    error = refused(TABLE, body)
    assert (error.code, error.param) == (code, param)

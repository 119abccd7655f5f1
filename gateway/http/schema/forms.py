"""What the fields of forms are made of: all but files come as text, numbers and booleans too."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema, with_config
from pydantic_core import PydanticCustomError

from gateway.contract import Upload

T = TypeVar("T")
FORM = with_config(ConfigDict(extra="forbid"))


def _file(value: Any) -> Upload:
    if not isinstance(value, Upload):
        raise PydanticCustomError("file_type", "it must be a file")
    if not value.content:
        raise PydanticCustomError("file_empty", "the file is empty")
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | Upload) else value


File = Annotated[Upload, PlainValidator(_file), WithJsonSchema({"type": "string", "format": "binary"})]
#: Before a list: one value may come without the brackets behind its name.
Listed = BeforeValidator(_listed)

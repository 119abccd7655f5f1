"""``/v1/files``: OpenAI's form and its query, field by field."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.forms import FORM, File

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
Limit = Annotated[int, Field(ge=1, le=10_000)]


@FORM
class Expiry(TypedDict):
    """When a file is deleted, in seconds after it was made: an hour to thirty days."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3_600, le=2_592_000)]


@FORM
class FileBody(TypedDict, total=False):
    """A file, and what it is for."""

    file: Required[File]
    purpose: Required[Purpose]
    expires_after: Expiry


@FORM
class FilesQuery(TypedDict, total=False):
    """Which page of the list."""

    after: Id
    limit: Limit
    order: Literal["asc", "desc"]
    purpose: Annotated[str, Field(pattern=r"^[a-z_-]{1,64}$")]


FILE: TypeAdapter[FileBody] = TypeAdapter(FileBody)
FILES: TypeAdapter[FilesQuery] = TypeAdapter(FilesQuery)

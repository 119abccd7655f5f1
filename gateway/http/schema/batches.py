"""``/v1/batches``: OpenAI's body and its query, field by field, and the lines of a batch's file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Short
from gateway.http.schema.files import Expiry, Id
from gateway.http.schema.forms import FORM

#: What the lines of a batch may ask for.
Endpoint = Literal["/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/responses", "/v1/moderations"]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


@STRICT
class BatchBody(TypedDict, total=False):
    """A file that was sent for a batch, and what its lines ask for."""

    input_file_id: Required[Id]
    endpoint: Required[Endpoint]
    completion_window: Required[Literal["24h"]]
    metadata: Metadata | None
    output_expires_after: Expiry


@FORM
class BatchesQuery(TypedDict, total=False):
    """Which page of the list."""

    after: Id
    limit: Annotated[int, Field(ge=1, le=100)]


@STRICT
class Line(TypedDict):
    """One request of a batch; of its body, ``model`` alone is read here."""

    custom_id: Annotated[Short, Field(min_length=1)]
    method: Literal["POST"]
    url: Endpoint
    body: dict[str, Any]


BATCH: TypeAdapter[BatchBody] = TypeAdapter(BatchBody)
BATCHES: TypeAdapter[BatchesQuery] = TypeAdapter(BatchesQuery)
LINE: TypeAdapter[Line] = TypeAdapter(Line)

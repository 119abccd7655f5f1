"""What OpenAI keeps for its callers: files, batches, and the responses that were stored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from gateway.http.openapi import kept_replies, replies
from gateway.http.openapi.row import BYTES, FORM, Kind, Query, Row
from gateway.http.openapi.schemas import gather
from gateway.http.schema.batches import BATCH, BATCHES
from gateway.http.schema.files import FILE, FILES
from gateway.http.schema.kept_responses import INPUT_ITEMS, RESPONSE

BY_OPENAI = "Kept by OpenAI: 404 says what to configure where there is no model of OpenAI's."
LISTED = f"For the administrator, since it shows what everybody keeps. {BY_OPENAI}"
FILE_ID, BATCH_ID, RESPONSE_ID = {"id": "file-abc123"}, {"id": "batch_abc123"}, {"id": "resp_abc123"}
SAYS: Mapping[str, str] = {
    "after": "The id after which the page begins.",
    "include": "What the reply is to hold beside what it holds anyway.",
    "limit": "How many there are on a page.",
    "order": "By the time they were made.",
    "purpose": "Only files that are for this.",
}


def _query(table: TypeAdapter[Any]) -> tuple[Query, ...]:
    """The parameters of a table. One that is a list is sent once for each entry, with brackets behind its name."""
    (schema,), shapes = gather([table])
    fields = shapes[schema["$ref"].rpartition("/")[2]]["properties"]
    return tuple(
        Query(f"{name}[]" if one.get("type") == "array" else name, one, SAYS[name]) for name, one in fields.items()
    )


#: All of them answer 404 and 409 as OpenAI does.
_row = partial(Row, kind=Kind.COUNTED, statuses=(404, 409), group="OpenAI")

ROWS: tuple[Row, ...] = (
    _row(
        "POST",
        "/v1/files",
        summary="Keep a file",
        reply=kept_replies.File,
        says="In a file for a batch, each line's model is one of those at OpenAI, by the name that it has here.",
        body=FILE,
        takes=FORM,
        example={"purpose": "user_data", "file": "@notes.txt"},
    ),
    _row("GET", "/v1/files", summary="The files", reply=kept_replies.Files, says=LISTED, query=_query(FILES)),
    _row("GET", "/v1/files/{id}", summary="One of them", reply=kept_replies.File, says=BY_OPENAI, asked=FILE_ID),
    _row(
        "GET",
        "/v1/files/{id}/content",
        summary="What is in it",
        reply=Any,
        says=BY_OPENAI,
        gives=BYTES,
        asked=FILE_ID,
    ),
    _row(
        "DELETE",
        "/v1/files/{id}",
        summary="Delete it",
        reply=kept_replies.DeletedFile,
        says=BY_OPENAI,
        asked=FILE_ID,
    ),
    _row(
        "POST",
        "/v1/batches",
        summary="Begin a batch",
        reply=kept_replies.Batch,
        says=f"Of a file that was kept for it. {BY_OPENAI}",
        body=BATCH,
        example={
            "input_file_id": "file-abc123",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        },
    ),
    _row("GET", "/v1/batches", summary="The batches", reply=kept_replies.Batches, says=LISTED, query=_query(BATCHES)),
    _row("GET", "/v1/batches/{id}", summary="One of them", reply=kept_replies.Batch, says=BY_OPENAI, asked=BATCH_ID),
    _row(
        "POST",
        "/v1/batches/{id}/cancel",
        summary="Cancel it",
        reply=kept_replies.Batch,
        says=BY_OPENAI,
        asked=BATCH_ID,
    ),
    _row(
        "GET",
        "/v1/responses/{id}",
        summary="A response that was stored",
        reply=replies.Response,
        says=f"{BY_OPENAI} Not as a stream.",
        query=_query(RESPONSE),
        asked=RESPONSE_ID,
    ),
    _row(
        "DELETE",
        "/v1/responses/{id}",
        summary="Delete it",
        reply=kept_replies.DeletedResponse,
        says=BY_OPENAI,
        asked=RESPONSE_ID,
    ),
    _row(
        "POST",
        "/v1/responses/{id}/cancel",
        summary="Cancel it, where it is made in the background",
        reply=replies.Response,
        says=BY_OPENAI,
        asked=RESPONSE_ID,
    ),
    _row(
        "GET",
        "/v1/responses/{id}/input_items",
        summary="What was asked for it",
        reply=kept_replies.InputItems,
        says=BY_OPENAI,
        query=_query(INPUT_ITEMS),
        asked=RESPONSE_ID,
    ),
)

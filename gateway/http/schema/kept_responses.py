"""The queries about a stored response, field by field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.files import Id
from gateway.http.schema.forms import FORM

Include = Annotated[
    list[
        Literal[
            "file_search_call.results",
            "web_search_call.results",
            "web_search_call.action.sources",
            "message.input_image.image_url",
            "computer_call_output.output.image_url",
            "code_interpreter_call.outputs",
            "reasoning.encrypted_content",
            "message.output_text.logprobs",
        ]
    ],
    Field(max_length=16),
]


@FORM
class ResponseQuery(TypedDict, total=False):
    """What the response is to hold beside what it holds anyway."""

    include: Include


@FORM
class InputItemsQuery(TypedDict, total=False):
    """Which page of what was asked."""

    after: Id
    include: Include
    limit: Annotated[int, Field(ge=1, le=100)]
    order: Literal["asc", "desc"]


RESPONSE: TypeAdapter[ResponseQuery] = TypeAdapter(ResponseQuery)
INPUT_ITEMS: TypeAdapter[InputItemsQuery] = TypeAdapter(InputItemsQuery)

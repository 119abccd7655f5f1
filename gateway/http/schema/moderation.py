"""``POST /v1/moderations``: OpenAI's body, field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Model, Text, by


@STRICT
class ImageUrl(TypedDict):
    url: Annotated[str, Field(min_length=1)]


@STRICT
class ImageInput(TypedDict):
    type: Literal["image_url"]
    image_url: ImageUrl


@STRICT
class TextInput(TypedDict):
    type: Literal["text"]
    text: Text


Part = Annotated[
    Annotated[TextInput, Tag("<text>")] | Annotated[ImageInput, Tag("<image_url>")], Discriminator(by("type"))
]


def _kind(value: Any) -> str:
    """A discriminator: a text, texts, or parts."""
    if not isinstance(value, list):
        return "<text>"
    return "<parts>" if value and isinstance(value[0], dict) else "<texts>"


@STRICT
class ModerationBody(TypedDict, total=False):
    """``model`` may be left out; the first that moderates is asked then."""

    input: Required[
        Annotated[
            Annotated[Text, Tag("<text>")]
            | Annotated[list[Text], Tag("<texts>"), Field(min_length=1, max_length=2048)]
            | Annotated[list[Part], Tag("<parts>"), Field(min_length=1, max_length=64)],
            Discriminator(_kind),
        ]
    ]
    model: Model | None


MODERATION: TypeAdapter[ModerationBody] = TypeAdapter(ModerationBody)

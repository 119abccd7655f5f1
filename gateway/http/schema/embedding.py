"""``POST /v1/embeddings``: OpenAI's body, field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Model, NonEmpty, Short

Tokens = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


def _input(value: Any) -> str:
    """A discriminator: a text, texts, tokens, or lists of tokens."""
    if not isinstance(value, list):
        return "<text>"
    kinds = {int: "<tokens>", list: "<token lists>"}
    return kinds.get(type(value[0]), "<texts>") if value else "<texts>"


@STRICT
class EmbeddingBody(TypedDict, total=False):
    """``POST /v1/embeddings``."""

    input: Required[
        Annotated[
            Annotated[NonEmpty, Tag("<text>")]
            | Annotated[list[NonEmpty], Tag("<texts>"), Field(min_length=1, max_length=2048)]
            | Annotated[Tokens, Tag("<tokens>")]
            | Annotated[list[Tokens], Tag("<token lists>"), Field(min_length=1, max_length=2048)],
            Discriminator(_input),
        ]
    ]
    model: Required[Model]
    encoding_format: Literal["float", "base64"] | None
    dimensions: Annotated[int, Field(ge=1, le=65536)] | None
    user: Short | None


EMBEDDING: TypeAdapter[EmbeddingBody] = TypeAdapter(EmbeddingBody)

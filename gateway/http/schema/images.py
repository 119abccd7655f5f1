"""``POST /v1/images/generations``: OpenAI's body, field by field."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Model, Short

#: A size in pixels, or ``auto``; which there are differs from model to model.
Size = Annotated[str, Field(pattern=r"^(auto|[1-9][0-9]{1,4}x[1-9][0-9]{1,4})$")]
Quality = Literal["standard", "hd", "low", "medium", "high", "auto"]
Percent = Annotated[int, Field(ge=0, le=100)]
Background = Literal["transparent", "opaque", "auto"]
Format = Literal["png", "jpeg", "webp"]
Count = Annotated[int, Field(ge=1, le=10)]
Partial = Annotated[int, Field(ge=0, le=3)]
Prompt = Annotated[str, Field(min_length=1, max_length=32_000)]


@STRICT
class ImageBody(TypedDict, total=False):
    """``model`` may be left out; the first that draws is asked then."""

    prompt: Required[Prompt]
    model: Model | None
    background: Background | None
    moderation: Literal["low", "auto"] | None
    n: Count | None
    output_compression: Percent | None
    output_format: Format | None
    partial_images: Partial | None
    quality: Quality | None
    response_format: Literal["url", "b64_json"] | None
    size: Size | None
    stream: bool | None
    style: Literal["vivid", "natural"] | None
    user: Short | None


IMAGE: TypeAdapter[ImageBody] = TypeAdapter(ImageBody)

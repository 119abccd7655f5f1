"""``POST /v1/images/edits``: OpenAI's form, field by field."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import Model, Short, shape
from gateway.http.schema.forms import FORM, File
from gateway.http.schema.images import Background, Count, Format, Partial, Percent, Prompt, Size

Images = Annotated[
    Annotated[File, Tag("<text>")] | Annotated[list[File], Tag("<list>"), Field(min_length=1, max_length=16)],
    Discriminator(shape),
]


@FORM
class ImageEditBody(TypedDict, total=False):
    """``model`` may be left out; the first that edits is asked then. ``image`` is a file, or a list of them."""

    image: Required[Images]
    prompt: Required[Prompt]
    background: Background
    input_fidelity: Literal["high", "low"]
    mask: File
    model: Model
    n: Count
    output_compression: Percent
    output_format: Format
    partial_images: Partial
    quality: Literal["standard", "low", "medium", "high", "auto"]
    response_format: Literal["url", "b64_json"]
    size: Size
    stream: bool
    user: Short


IMAGE_EDIT: TypeAdapter[ImageEditBody] = TypeAdapter(ImageEditBody)

"""``POST /v1/audio/speech``: OpenAI's body, field by field."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Model, shape


@STRICT
class VoiceId(TypedDict):
    id: Annotated[str, Field(min_length=1, max_length=256)]


Voice = Annotated[
    Annotated[str, Tag("<text>"), Field(min_length=1, max_length=256)] | Annotated[VoiceId, Tag("<mapping>")],
    Discriminator(shape),
]


@STRICT
class SpeechBody(TypedDict, total=False):
    """What is said, and how."""

    input: Required[Annotated[str, Field(min_length=1, max_length=4096)]]
    model: Required[Model]
    voice: Required[Voice]
    instructions: Annotated[str, Field(max_length=4096)] | None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None
    speed: Annotated[float, Field(ge=0.25, le=4)] | None
    stream_format: Literal["sse", "audio"] | None


SPEECH: TypeAdapter[SpeechBody] = TypeAdapter(SpeechBody)

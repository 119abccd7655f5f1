"""A chat's messages, as OpenAI has them and as clients send replies back."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Required

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Text, by, shape


@STRICT
class TextPart(TypedDict):
    type: Literal["text"]
    text: Text


@STRICT
class RefusalPart(TypedDict):
    type: Literal["refusal"]
    refusal: Text


@STRICT
class ImageUrl(TypedDict, total=False):
    url: Required[Annotated[str, Field(min_length=1)]]
    detail: Literal["auto", "low", "high"]


@STRICT
class ImagePart(TypedDict):
    type: Literal["image_url"]
    image_url: ImageUrl


@STRICT
class Audio(TypedDict):
    data: str
    format: Literal["wav", "mp3"]


@STRICT
class AudioPart(TypedDict):
    type: Literal["input_audio"]
    input_audio: Audio


@STRICT
class File(TypedDict, total=False):
    file_data: str
    file_id: str
    filename: str


@STRICT
class FilePart(TypedDict):
    type: Literal["file"]
    file: File


TextParts = Annotated[list[TextPart], Tag("<list>"), Field(min_length=1)]
TextContent = Annotated[Annotated[Text, Tag("<text>")] | TextParts, Discriminator(shape)]
UserPart = Annotated[
    Annotated[TextPart, Tag("<text>")]
    | Annotated[ImagePart, Tag("<image_url>")]
    | Annotated[AudioPart, Tag("<input_audio>")]
    | Annotated[FilePart, Tag("<file>")],
    Discriminator(by("type")),
]
UserContent = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[UserPart], Tag("<list>"), Field(min_length=1)],
    Discriminator(shape),
]
AssistantPart = Annotated[
    Annotated[TextPart, Tag("<text>")] | Annotated[RefusalPart, Tag("<refusal>")], Discriminator(by("type"))
]
AssistantContent = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[AssistantPart], Tag("<list>")], Discriminator(shape)
]


@STRICT
class CalledFunction(TypedDict):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    arguments: str
    # OpenAI's own client adds it to replies that it has parsed.
    parsed_arguments: NotRequired[Any]


@STRICT
class ToolCall(TypedDict, total=False):
    id: Required[Annotated[str, Field(min_length=1)]]
    type: Required[Literal["function"]]
    function: Required[CalledFunction]
    index: int
    # Gemini's thought signatures ride on its tool calls and must come back with them.
    provider_specific_fields: dict[str, Any] | None


@STRICT
class SystemMessage(TypedDict):
    role: Literal["system", "developer"]
    content: TextContent
    name: NotRequired[str | None]


@STRICT
class UserMessage(TypedDict):
    role: Literal["user"]
    content: UserContent
    name: NotRequired[str | None]


@STRICT
class AssistantMessage(TypedDict, total=False):
    role: Required[Literal["assistant"]]
    content: AssistantContent | None
    refusal: str | None
    name: str | None
    tool_calls: list[ToolCall] | None
    function_call: CalledFunction | None
    # Replies carry these, and clients send replies back as they are.
    audio: dict[str, Any] | None
    annotations: list[Any] | None
    reasoning_content: str | None
    reasoning: str | None
    parsed: Any


@STRICT
class ToolMessage(TypedDict):
    role: Literal["tool"]
    content: TextContent
    tool_call_id: Annotated[str, Field(min_length=1)]
    name: NotRequired[str | None]


@STRICT
class FunctionMessage(TypedDict):
    role: Literal["function"]
    content: Text | None
    name: str


Message = Annotated[
    Annotated[SystemMessage, Tag("<system>")]
    | Annotated[SystemMessage, Tag("<developer>")]
    | Annotated[UserMessage, Tag("<user>")]
    | Annotated[AssistantMessage, Tag("<assistant>")]
    | Annotated[ToolMessage, Tag("<tool>")]
    | Annotated[FunctionMessage, Tag("<function>")],
    Discriminator(by("role")),
]

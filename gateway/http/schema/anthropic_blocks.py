"""What the messages of ``POST /v1/messages`` hold.

``cache_control``, and ``citations`` that are off, are accepted wherever Anthropic has them, and of no meaning here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import AfterValidator, Discriminator, Field, Tag
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Short, Text, by, shape

ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
#: A call's id can hold what its model signed.
Id = Annotated[str, Field(min_length=1, max_length=1_000_000)]


def _uncited(enabled: bool) -> bool:
    if enabled:
        raise ValueError("this gateway makes no citations")
    return enabled


@STRICT
class CacheControl(TypedDict, total=False):
    type: Required[Literal["ephemeral"]]
    ttl: Literal["5m", "1h"] | None


@STRICT
class Citations(TypedDict, total=False):
    enabled: Annotated[bool, AfterValidator(_uncited)]


@STRICT
class TextBlock(TypedDict, total=False):
    type: Required[Literal["text"]]
    text: Required[Text]
    cache_control: CacheControl | None
    # Earlier replies carry these, and clients send replies back as they are.
    citations: list[dict[str, Any]] | None


@STRICT
class Base64Source(TypedDict):
    type: Literal["base64"]
    media_type: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$", max_length=128)]
    data: Annotated[str, Field(min_length=1)]


@STRICT
class PdfSource(TypedDict):
    type: Literal["base64"]
    media_type: Literal["application/pdf"]
    data: Annotated[str, Field(min_length=1)]


@STRICT
class UrlSource(TypedDict):
    type: Literal["url"]
    url: Annotated[str, Field(min_length=1, max_length=8192)]


@STRICT
class TextSource(TypedDict):
    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: Text


ImageSource = Annotated[
    Annotated[Base64Source, Tag("<base64>")] | Annotated[UrlSource, Tag("<url>")], Discriminator(by("type"))
]


@STRICT
class ImageBlock(TypedDict, total=False):
    type: Required[Literal["image"]]
    source: Required[ImageSource]
    cache_control: CacheControl | None


SourceBlock = Annotated[
    Annotated[TextBlock, Tag("<text>")] | Annotated[ImageBlock, Tag("<image>")], Discriminator(by("type"))
]


@STRICT
class ContentSource(TypedDict):
    type: Literal["content"]
    content: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[list[SourceBlock], Tag("<list>")], Discriminator(shape)
    ]


DocumentSource = Annotated[
    Annotated[PdfSource, Tag("<base64>")]
    | Annotated[TextSource, Tag("<text>")]
    | Annotated[ContentSource, Tag("<content>")],
    Discriminator(by("type")),
]


@STRICT
class DocumentBlock(TypedDict, total=False):
    type: Required[Literal["document"]]
    source: Required[DocumentSource]
    title: Short | None
    context: Text | None
    citations: Citations | None
    cache_control: CacheControl | None


@STRICT
class SearchResultBlock(TypedDict, total=False):
    type: Required[Literal["search_result"]]
    source: Required[Text]
    title: Required[Text]
    content: Required[list[TextBlock]]
    citations: Citations | None
    cache_control: CacheControl | None


ResultBlock = Annotated[
    Annotated[TextBlock, Tag("<text>")]
    | Annotated[ImageBlock, Tag("<image>")]
    | Annotated[DocumentBlock, Tag("<document>")]
    | Annotated[SearchResultBlock, Tag("<search_result>")],
    Discriminator(by("type")),
]


@STRICT
class ToolResultBlock(TypedDict, total=False):
    type: Required[Literal["tool_result"]]
    tool_use_id: Required[Id]
    content: (
        Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[ResultBlock], Tag("<list>")], Discriminator(shape)]
        | None
    )
    is_error: bool | None
    toolset_name: None
    cache_control: CacheControl | None


@STRICT
class ToolUseBlock(TypedDict, total=False):
    type: Required[Literal["tool_use"]]
    id: Required[Id]
    name: Required[ToolName]
    input: Required[dict[str, Any]]
    # Replies carry these, and clients send replies back as they are.
    caller: dict[str, Any] | None
    toolset_name: None
    cache_control: CacheControl | None


@STRICT
class ThinkingBlock(TypedDict):
    type: Literal["thinking"]
    thinking: Text
    signature: Text


@STRICT
class RedactedThinkingBlock(TypedDict):
    type: Literal["redacted_thinking"]
    data: Text


UserBlock = Annotated[
    Annotated[TextBlock, Tag("<text>")]
    | Annotated[ImageBlock, Tag("<image>")]
    | Annotated[DocumentBlock, Tag("<document>")]
    | Annotated[SearchResultBlock, Tag("<search_result>")]
    | Annotated[ToolResultBlock, Tag("<tool_result>")],
    Discriminator(by("type")),
]
AssistantBlock = Annotated[
    Annotated[TextBlock, Tag("<text>")]
    | Annotated[ToolUseBlock, Tag("<tool_use>")]
    | Annotated[ThinkingBlock, Tag("<thinking>")]
    | Annotated[RedactedThinkingBlock, Tag("<redacted_thinking>")],
    Discriminator(by("type")),
]


@STRICT
class UserMessage(TypedDict):
    role: Literal["user"]
    content: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[list[UserBlock], Tag("<list>"), Field(min_length=1)],
        Discriminator(shape),
    ]


@STRICT
class AssistantMessage(TypedDict):
    role: Literal["assistant"]
    content: Annotated[
        Annotated[Text, Tag("<text>")] | Annotated[list[AssistantBlock], Tag("<list>")], Discriminator(shape)
    ]


System = Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[TextBlock], Tag("<list>")], Discriminator(shape)]


@STRICT
class SystemMessage(TypedDict):
    role: Literal["system"]
    content: System


Message = Annotated[
    Annotated[UserMessage, Tag("<user>")]
    | Annotated[AssistantMessage, Tag("<assistant>")]
    | Annotated[SystemMessage, Tag("<system>")],
    Discriminator(by("role")),
]

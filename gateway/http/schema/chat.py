"""``POST /v1/chat/completions``: OpenAI's body, field by field."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Bias, Count, Model, Name, Penalty, Schema, Short, Unit, by, shape
from gateway.http.schema.messages import Message, TextContent
from gateway.http.schema.options import CacheOptions, Moderation
from gateway.http.schema.speech import Voice


@STRICT
class Function(TypedDict, total=False):
    name: Required[Name]
    description: str | None
    parameters: Schema | None
    strict: bool | None


@STRICT
class Tool(TypedDict):
    type: Literal["function"]
    function: Function


@STRICT
class FunctionName(TypedDict):
    name: Name


@STRICT
class NamedTool(TypedDict):
    type: Literal["function"]
    function: FunctionName


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<text>")] | Annotated[NamedTool, Tag("<mapping>")],
    Discriminator(shape),
]
FunctionChoice = Annotated[
    Annotated[Literal["none", "auto"], Tag("<text>")] | Annotated[FunctionName, Tag("<mapping>")], Discriminator(shape)
]


@STRICT
class JsonSchema(TypedDict, total=False):
    name: Required[Name]
    description: str | None
    schema: Schema
    strict: bool | None


@STRICT
class PlainFormat(TypedDict):
    type: Literal["text", "json_object"]


@STRICT
class SchemaFormat(TypedDict):
    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[
    Annotated[PlainFormat, Tag("<text>")]
    | Annotated[PlainFormat, Tag("<json_object>")]
    | Annotated[SchemaFormat, Tag("<json_schema>")],
    Discriminator(by("type")),
]


@STRICT
class StreamOptions(TypedDict, total=False):
    include_usage: bool | None
    include_obfuscation: bool | None


@STRICT
class Prediction(TypedDict):
    type: Literal["content"]
    content: TextContent


Stop = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[list[str], Tag("<list>"), Field(max_length=4)], Discriminator(shape)
]


@STRICT
class SpokenAnswer(TypedDict):
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: Voice


@STRICT
class Place(TypedDict, total=False):
    city: Short | None
    country: Short | None
    region: Short | None
    timezone: Short | None


@STRICT
class Whereabouts(TypedDict):
    type: Literal["approximate"]
    approximate: Place


@STRICT
class WebSearchOptions(TypedDict, total=False):
    search_context_size: Literal["low", "medium", "high"] | None
    user_location: Whereabouts | None


@STRICT
class ChatBody(TypedDict, total=False):
    """``POST /v1/chat/completions``. ``metadata`` and ``store`` are accepted and go no further."""

    messages: Required[Annotated[list[Message], Field(min_length=1, max_length=2048)]]
    model: Required[Model]
    stream: bool | None
    stream_options: StreamOptions | None
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    top_p: Unit | None
    n: Annotated[int, Field(ge=1, le=128)] | None
    max_tokens: Count | None
    max_completion_tokens: Count | None
    stop: Stop | None
    presence_penalty: Penalty | None
    frequency_penalty: Penalty | None
    logit_bias: dict[str, Bias] | None
    logprobs: bool | None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None
    response_format: ResponseFormat | None
    tools: Annotated[list[Tool], Field(max_length=128)] | None
    tool_choice: ToolChoice | None
    parallel_tool_calls: bool | None
    user: Short | None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None
    functions: Annotated[list[Function], Field(min_length=1, max_length=128)] | None
    function_call: FunctionChoice | None
    modalities: list[Literal["text", "audio"]] | None
    audio: SpokenAnswer | None
    prediction: Prediction | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None
    safety_identifier: Short | None
    prompt_cache_key: Short | None
    prompt_cache_options: CacheOptions | None
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    moderation: Moderation | None
    web_search_options: WebSearchOptions | None
    verbosity: Literal["low", "medium", "high"] | None
    metadata: dict[str, Short] | None
    store: bool | None


CHAT: TypeAdapter[ChatBody] = TypeAdapter(ChatBody)

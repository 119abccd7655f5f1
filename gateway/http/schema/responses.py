"""``POST /v1/responses``: OpenAI's body, field by field.

Tools that OpenAI runs itself are told by their type only, as their items are: they go to OpenAI and to nobody else.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import LOOSE, STRICT, Count, Model, Name, Schema, Short, Text, Unit, by, shape
from gateway.http.schema.options import CacheOptions, Moderation
from gateway.http.schema.response_items import Id, Item

MOST_ITEMS = 4096


@STRICT
class FunctionTool(TypedDict, total=False):
    type: Required[Literal["function"]]
    name: Required[Name]
    description: str | None
    parameters: Schema | None
    strict: bool | None
    output_schema: Schema | None
    defer_loading: bool | None
    allowed_callers: list[Literal["direct", "programmatic"]] | None


@LOOSE
class HostedTool(TypedDict):
    """A tool that OpenAI runs."""

    type: str


Tool = Annotated[
    Annotated[FunctionTool, Tag("<function>")]
    | Annotated[HostedTool, Tag("<apply_patch>")]
    | Annotated[HostedTool, Tag("<code_interpreter>")]
    | Annotated[HostedTool, Tag("<computer>")]
    | Annotated[HostedTool, Tag("<computer_use_preview>")]
    | Annotated[HostedTool, Tag("<custom>")]
    | Annotated[HostedTool, Tag("<file_search>")]
    | Annotated[HostedTool, Tag("<image_generation>")]
    | Annotated[HostedTool, Tag("<local_shell>")]
    | Annotated[HostedTool, Tag("<mcp>")]
    | Annotated[HostedTool, Tag("<namespace>")]
    | Annotated[HostedTool, Tag("<programmatic_tool_calling>")]
    | Annotated[HostedTool, Tag("<shell>")]
    | Annotated[HostedTool, Tag("<tool_search>")]
    | Annotated[HostedTool, Tag("<web_search>")]
    | Annotated[HostedTool, Tag("<web_search_2025_08_26>")]
    | Annotated[HostedTool, Tag("<web_search_preview>")]
    | Annotated[HostedTool, Tag("<web_search_preview_2025_03_11>")],
    Discriminator(by("type")),
]


@STRICT
class NamedTool(TypedDict):
    type: Literal["function"]
    name: Name


@STRICT
class AllowedTools(TypedDict):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[HostedTool], Field(min_length=1, max_length=128)]


NamedChoice = Annotated[
    Annotated[NamedTool, Tag("<function>")]
    | Annotated[AllowedTools, Tag("<allowed_tools>")]
    | Annotated[HostedTool, Tag("<apply_patch>")]
    | Annotated[HostedTool, Tag("<code_interpreter>")]
    | Annotated[HostedTool, Tag("<computer>")]
    | Annotated[HostedTool, Tag("<computer_use>")]
    | Annotated[HostedTool, Tag("<computer_use_preview>")]
    | Annotated[HostedTool, Tag("<custom>")]
    | Annotated[HostedTool, Tag("<file_search>")]
    | Annotated[HostedTool, Tag("<image_generation>")]
    | Annotated[HostedTool, Tag("<mcp>")]
    | Annotated[HostedTool, Tag("<programmatic_tool_calling>")]
    | Annotated[HostedTool, Tag("<shell>")]
    | Annotated[HostedTool, Tag("<web_search_preview>")]
    | Annotated[HostedTool, Tag("<web_search_preview_2025_03_11>")],
    Discriminator(by("type")),
]
ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<text>")] | Annotated[NamedChoice, Tag("<mapping>")],
    Discriminator(shape),
]


@STRICT
class PlainFormat(TypedDict):
    type: Literal["text", "json_object"]


@STRICT
class SchemaFormat(TypedDict, total=False):
    type: Required[Literal["json_schema"]]
    name: Required[Name]
    schema: Required[Schema]
    description: str | None
    strict: bool | None


Format = Annotated[
    Annotated[PlainFormat, Tag("<text>")]
    | Annotated[PlainFormat, Tag("<json_object>")]
    | Annotated[SchemaFormat, Tag("<json_schema>")],
    Discriminator(by("type")),
]


@STRICT
class TextConfig(TypedDict, total=False):
    format: Format | None
    verbosity: Literal["low", "medium", "high"] | None


@STRICT
class ReasoningConfig(TypedDict, total=False):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None
    summary: Literal["auto", "concise", "detailed"] | None
    generate_summary: Literal["auto", "concise", "detailed"] | None
    context: Literal["auto", "current_turn", "all_turns"] | None
    mode: Short | None


@STRICT
class StreamOptions(TypedDict, total=False):
    include_obfuscation: bool | None


@STRICT
class PromptTemplate(TypedDict, total=False):
    id: Required[Id]
    variables: dict[str, Any] | None
    version: str | None


@STRICT
class ConversationId(TypedDict):
    id: Id


@STRICT
class ContextManagement(TypedDict, total=False):
    type: Required[Short]
    compact_threshold: Count | None


Includable = Literal[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
]


@STRICT
class ResponsesBody(TypedDict, total=False):
    """``POST /v1/responses``."""

    model: Required[Model]
    input: Annotated[
        Annotated[Text, Tag("<text>")]
        | Annotated[list[Item], Tag("<list>"), Field(min_length=1, max_length=MOST_ITEMS)],
        Discriminator(shape),
    ]
    stream: bool | None
    stream_options: StreamOptions | None
    background: bool | None
    context_management: Annotated[list[ContextManagement], Field(max_length=16)] | None
    conversation: (
        Annotated[Annotated[Id, Tag("<text>")] | Annotated[ConversationId, Tag("<mapping>")], Discriminator(shape)]
        | None
    )
    include: Annotated[list[Includable], Field(max_length=16)] | None
    instructions: Text | None
    max_output_tokens: Count | None
    max_tool_calls: Count | None
    metadata: Annotated[dict[Annotated[str, Field(max_length=64)], Short], Field(max_length=16)] | None
    moderation: Moderation | None
    parallel_tool_calls: bool | None
    previous_response_id: Id | None
    prompt: PromptTemplate | None
    prompt_cache_key: Short | None
    prompt_cache_options: CacheOptions | None
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    reasoning: ReasoningConfig | None
    safety_identifier: Short | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None
    store: bool | None
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    text: TextConfig | None
    tool_choice: ToolChoice | None
    tools: Annotated[list[Tool], Field(max_length=128)] | None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None
    top_p: Unit | None
    truncation: Literal["auto", "disabled"] | None
    user: Short | None


RESPONSES: TypeAdapter[ResponsesBody] = TypeAdapter(ResponsesBody)

"""``POST /v1/messages``: Anthropic's body, field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict

from gateway.http.schema.anthropic_blocks import CacheControl, Message, System, ToolName
from gateway.http.schema.fields import STRICT, Count, Model, Schema, Short, Text, Unit, by


def _custom(kind: str | None) -> str | None:
    if kind not in (None, "custom"):
        raise ValueError(
            "this gateway can't run Anthropic's own tools; send tools of the type 'custom' with an input_schema"
        )
    return kind


def _absent(value: Any) -> Any:
    if value is not None:
        raise ValueError("it asks for what only Anthropic can do, so that nobody would do it here")
    return value


Absent = Annotated[Any, BeforeValidator(_absent), WithJsonSchema({"type": "null"})]


@STRICT
class Tool(TypedDict, total=False):
    """``type`` comes first: what is wrong with one of Anthropic's own tools is that it is one."""

    type: Annotated[str | None, AfterValidator(_custom)]
    name: Required[ToolName]
    description: Text | None
    input_schema: Required[Schema]
    strict: bool | None
    # Hints, for which a chat has no words.
    input_examples: list[dict[str, Any]] | None
    eager_input_streaming: bool | None
    defer_loading: bool | None
    allowed_callers: list[Literal["direct"]] | None
    cache_control: CacheControl | None


@STRICT
class AnyChoice(TypedDict, total=False):
    type: Required[Literal["auto", "any", "none"]]
    disable_parallel_tool_use: bool | None


@STRICT
class NamedChoice(TypedDict, total=False):
    type: Required[Literal["tool"]]
    name: Required[ToolName]
    disable_parallel_tool_use: bool | None


ToolChoice = Annotated[
    Annotated[AnyChoice, Tag("<auto>")]
    | Annotated[AnyChoice, Tag("<any>")]
    | Annotated[AnyChoice, Tag("<none>")]
    | Annotated[NamedChoice, Tag("<tool>")],
    Discriminator(by("type")),
]


@STRICT
class ThinkingEnabled(TypedDict, total=False):
    type: Required[Literal["enabled"]]
    budget_tokens: Required[Annotated[int, Field(ge=1024, le=2**31 - 1)]]
    display: Literal["summarized", "omitted"] | None


@STRICT
class ThinkingPlain(TypedDict, total=False):
    type: Required[Literal["adaptive", "between_tools", "disabled"]]
    display: Literal["summarized", "omitted"] | None


Thinking = Annotated[
    Annotated[ThinkingEnabled, Tag("<enabled>")]
    | Annotated[ThinkingPlain, Tag("<adaptive>")]
    | Annotated[ThinkingPlain, Tag("<between_tools>")]
    | Annotated[ThinkingPlain, Tag("<disabled>")],
    Discriminator(by("type")),
]


@STRICT
class OutputFormat(TypedDict):
    type: Literal["json_schema"]
    schema: Schema


@STRICT
class OutputConfig(TypedDict, total=False):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None
    format: OutputFormat | None


@STRICT
class Metadata(TypedDict, total=False):
    user_id: Short | None


@STRICT
class CountBody(TypedDict, total=False):
    """``POST /v1/messages/count_tokens``."""

    messages: Required[Annotated[list[Message], Field(min_length=1, max_length=2048)]]
    model: Required[Model]
    system: System | None
    tools: Annotated[list[Tool], Field(max_length=128)] | None
    tool_choice: ToolChoice | None
    thinking: Thinking | None
    output_config: OutputConfig | None
    output_format: OutputFormat | None
    cache_control: CacheControl | None
    speed: Literal["standard"] | None


@STRICT
class MessagesBody(CountBody, total=False):
    """``POST /v1/messages``."""

    max_tokens: Required[Count]
    stream: bool | None
    temperature: Unit | None
    top_p: Unit | None
    top_k: Annotated[int, Field(ge=0, le=2**31 - 1)] | None
    stop_sequences: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=4)] | None
    metadata: Metadata | None
    service_tier: Literal["auto", "standard_only"] | None
    container: Absent
    inference_geo: Absent
    # About Anthropic's cache, of which there is nothing to tell, and what it may forget of a conversation, of which
    # nothing is kept here.
    diagnostics: dict[str, Any] | None
    context_management: dict[str, Any] | None


MESSAGES: TypeAdapter[MessagesBody] = TypeAdapter(MessagesBody)
COUNT: TypeAdapter[CountBody] = TypeAdapter(CountBody)

"""What callers may send: OpenAI's chat and embedding bodies and the Ivy question, field by field.

Source: OpenAI's API reference (chat completions, embeddings) and the wire contract. These tables are the
allowlist too: whatever is not in them never reaches LiteLLM, which would act on much of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NotRequired, Required, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from gateway.contract import InvalidRequest
from gateway.http.json_schema import bounded

T = TypeVar("T")
LONGEST_PATH = 200
STRICT = with_config(ConfigDict(extra="forbid", strict=True))
LOOSE = with_config(ConfigDict(extra="allow", strict=True))

Text = Annotated[str, Field(max_length=2_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Schema = Annotated[dict[str, Any], AfterValidator(bounded)]


def _by(key: str) -> Callable[[Any], str]:
    """A discriminator: the value of ``key``. Tags stand in angle brackets, so that they can be told from keys."""

    def tag(value: Any) -> str:
        return f"<{value.get(key)}>" if isinstance(value, dict) else "<>"

    return tag


def _shape(value: Any) -> str:
    """A discriminator: text, a list, or a mapping."""
    if isinstance(value, list):
        return "<list>"
    return "<mapping>" if isinstance(value, dict) else "<text>"


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
TextContent = Annotated[Annotated[Text, Tag("<text>")] | TextParts, Discriminator(_shape)]
UserPart = Annotated[
    Annotated[TextPart, Tag("<text>")]
    | Annotated[ImagePart, Tag("<image_url>")]
    | Annotated[AudioPart, Tag("<input_audio>")]
    | Annotated[FilePart, Tag("<file>")],
    Discriminator(_by("type")),
]
UserContent = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[UserPart], Tag("<list>"), Field(min_length=1)],
    Discriminator(_shape),
]
AssistantPart = Annotated[
    Annotated[TextPart, Tag("<text>")] | Annotated[RefusalPart, Tag("<refusal>")], Discriminator(_by("type"))
]
AssistantContent = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[AssistantPart], Tag("<list>")], Discriminator(_shape)
]


@STRICT
class CalledFunction(TypedDict):
    name: Annotated[str, Field(min_length=1, max_length=256)]
    arguments: str


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
    Discriminator(_by("role")),
]


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
    Discriminator(_shape),
]
FunctionChoice = Annotated[
    Annotated[Literal["none", "auto"], Tag("<text>")] | Annotated[FunctionName, Tag("<mapping>")], Discriminator(_shape)
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
    Discriminator(_by("type")),
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
    Annotated[str, Tag("<text>")] | Annotated[list[str], Tag("<list>"), Field(max_length=4)], Discriminator(_shape)
]
Unit = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Short = Annotated[str, Field(max_length=512)]


@STRICT
class ChatBody(TypedDict, total=False):
    """``POST /v1/chat/completions``. ``metadata`` and ``store`` are accepted and go no further."""

    messages: Required[Annotated[list[Message], Field(min_length=1, max_length=2048)]]
    model: Required[Annotated[str, Field(min_length=1, max_length=256)]]
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
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None
    functions: Annotated[list[Function], Field(min_length=1, max_length=128)] | None
    function_call: FunctionChoice | None
    modalities: list[Literal["text", "audio"]] | None
    prediction: Prediction | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority"] | None
    safety_identifier: Short | None
    prompt_cache_key: Short | None
    verbosity: Literal["low", "medium", "high"] | None
    metadata: dict[str, Short] | None
    store: bool | None


Tokens = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


def _input(value: Any) -> str:
    """A discriminator: a text, texts, tokens, or lists of tokens."""
    if not isinstance(value, list):
        return "<text>"
    kinds = {int: "<tokens>", list: "<token lists>"}
    return kinds.get(type(value[0]), "<texts>") if value else "<texts>"


NonEmpty = Annotated[Text, Field(min_length=1)]


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
    model: Required[Annotated[str, Field(min_length=1, max_length=256)]]
    encoding_format: Literal["float", "base64"] | None
    dimensions: Annotated[int, Field(ge=1, le=65536)] | None
    user: Short | None


@LOOSE
class Turn(TypedDict):
    role: Literal["user", "assistant"]
    content: Text


@LOOSE
class Context(TypedDict, total=False):
    """Free-form, but for the keys that mean something."""

    lead: dict[str, Any] | None
    conversation_id: Annotated[str, Field(max_length=256)] | None
    conversation_history: list[Turn] | None


@STRICT
class QuestionBody(TypedDict, total=False):
    """``POST /ai/router/v2`` and ``POST /ai/router/``."""

    query: Required[Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]]
    context: Context | None
    ui_capabilities: Annotated[list[Short], Field(max_length=100)] | None
    stream: bool | None


CHAT: TypeAdapter[ChatBody] = TypeAdapter(ChatBody)
EMBEDDING: TypeAdapter[EmbeddingBody] = TypeAdapter(EmbeddingBody)
QUESTION: TypeAdapter[QuestionBody] = TypeAdapter(QuestionBody)


def check(adapter: TypeAdapter[T], body: dict[str, Any]) -> None:
    """Raises InvalidRequest for the first thing wrong with ``body``, naming the field."""
    try:
        adapter.validate_python(body)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False, include_context=True, include_input=False)[0]) from None


def _invalid(details: ErrorDetails) -> InvalidRequest:
    param = _path(details["loc"], written=details["type"] == "extra_forbidden")
    if details["type"] == "extra_forbidden":
        return InvalidRequest(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
    if details["type"] == "missing":
        return InvalidRequest(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
    if details["type"] == "union_tag_invalid":
        context = details.get("ctx", {})
        key, tags = _union(param, str(context.get("expected_tags", "")))
        return InvalidRequest(f"Invalid value for '{key}': it must be one of {tags}.", param=key)
    wrong_type = details["type"].endswith("_type")
    what = details["msg"].removeprefix("Value error, ")
    what = what[:1].lower() + what[1:]
    return InvalidRequest(
        f"Invalid {'type' if wrong_type else 'value'} for '{param}': {what}.",
        param=param,
        code="invalid_type" if wrong_type else "invalid_value",
    )


def _union(param: str, tags: str) -> tuple[str, str]:
    """The key that told the members of a union apart, and the values it may have."""
    named = tags.replace("'<", "'").replace(">'", "'")
    if "'list'" in named or "'mapping'" in named:
        return param, named
    key = "role" if "'assistant'" in named else "type"
    return f"{param}.{key}", named


def _path(location: tuple[int | str, ...], *, written: bool) -> str:
    """``messages[0].content`` for a place in the body; a union's tags are no part of it. ``written`` says that
    the last part is what the caller wrote, so that it is no tag, whatever it looks like."""
    path = ""
    for number, part in enumerate(location, start=1):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<") or (written and number == len(location)):
            path += f".{part}" if path else part
    return path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH] + "…"

"""``/v1beta/models/{model}:...``: Gemini's bodies, field by field.

``safety_settings`` go to Gemini's models; others have no such thing. ``task_type`` and ``title`` of an embedding have
no place in OpenAI's, and are passed over.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import Count, NonEmpty, Penalty, Schema, Short, Unit
from gateway.http.schema.gemini_content import GOOGLE, Absent, Content, Contents, Many, System, Tool, ToolConfig, Word

CATEGORIES = Literal[
    "HARM_CATEGORY_UNSPECIFIED",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
]
THRESHOLDS = Literal[
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
]
LEVELS = Literal["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]


@GOOGLE
class SafetySetting(TypedDict):
    category: CATEGORIES
    threshold: THRESHOLDS


@GOOGLE
class ThinkingConfig(TypedDict, total=False):
    include_thoughts: bool | None
    thinking_budget: Annotated[int, Field(ge=-1, le=2**31 - 1)] | None
    thinking_level: Annotated[LEVELS, Word] | None


@GOOGLE
class GenerationConfig(TypedDict, total=False):
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    top_p: Unit | None
    top_k: Annotated[float, Field(ge=0, le=2**31 - 1)] | None
    max_output_tokens: Count | None
    stop_sequences: Annotated[Many[NonEmpty], Field(max_length=5)] | None
    candidate_count: Annotated[int, Field(ge=1, le=8)] | None
    response_mime_type: Literal["text/plain", "application/json"] | None
    response_schema: Schema | None
    response_json_schema: Schema | None
    response_modalities: Many[Annotated[Literal["TEXT"], Word]] | None
    seed: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None
    presence_penalty: Penalty | None
    frequency_penalty: Penalty | None
    response_logprobs: bool | None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None
    thinking_config: ThinkingConfig | None
    media_resolution: Short | None  # Gemini's own dial for how closely it looks at images; passed over
    speech_config: Absent
    image_config: Absent


@GOOGLE
class GenerateBody(TypedDict, total=False):
    """``:generateContent`` and ``:streamGenerateContent``. The path names the model."""

    contents: Required[Contents]
    model: Short | None
    system_instruction: System | None
    tools: Annotated[Many[Tool], Field(max_length=128)] | None
    tool_config: ToolConfig | None
    safety_settings: Many[SafetySetting] | None
    generation_config: GenerationConfig | None
    service_tier: Literal["unspecified", "standard", "flex", "priority"] | None
    labels: dict[str, Any] | None
    store: bool | None
    cached_content: Absent


@GOOGLE
class CountBody(TypedDict, total=False):
    """``:countTokens``: of contents, or of a whole request."""

    contents: Contents | None
    generate_content_request: GenerateBody | None


@GOOGLE
class EmbedBody(TypedDict, total=False):
    """``:embedContent``."""

    content: Required[Content]
    model: Short | None
    task_type: Short | None
    title: Short | None
    output_dimensionality: Annotated[int, Field(ge=1, le=65536)] | None


@GOOGLE
class BatchBody(TypedDict):
    """``:batchEmbedContents``."""

    requests: Annotated[list[EmbedBody], Field(min_length=1, max_length=2048)]


GENERATE: TypeAdapter[GenerateBody] = TypeAdapter(GenerateBody)
COUNT: TypeAdapter[CountBody] = TypeAdapter(CountBody)
EMBED: TypeAdapter[EmbedBody] = TypeAdapter(EmbedBody)
BATCH: TypeAdapter[BatchBody] = TypeAdapter(BatchBody)

"""The shapes of replies, as far as they are the gateway's: what is not told here can be there all the same, but for
those that are closed."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

CLOSED = with_config(ConfigDict(extra="forbid"))
Json = dict[str, Any]


# Errors.


@CLOSED
class Fault(TypedDict):
    message: str
    type: str
    param: str | None
    code: str | None


@CLOSED
class Error(TypedDict):
    """OpenAI's error body. ``code`` is the stable word, ``param`` the field that is wrong."""

    error: Fault


@CLOSED
class AnthropicError(TypedDict):
    """The same with what Anthropic's clients read."""

    type: Literal["error"]
    error: Fault


@CLOSED
class GeminiFault(Fault):
    status: str


@CLOSED
class GeminiError(TypedDict):
    """The same with what Google's clients read: ``status`` is a word of google.rpc.Code."""

    error: GeminiFault


# OpenAI's.


class Usage(TypedDict):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CalledFunction(TypedDict):
    name: str
    arguments: str


class ChatToolCall(TypedDict):
    id: str
    type: Literal["function"]
    function: CalledFunction


class ChatMessage(TypedDict):
    role: Literal["assistant"]
    content: NotRequired[str | None]
    refusal: NotRequired[str | None]
    tool_calls: NotRequired[list[ChatToolCall]]


class ChatChoice(TypedDict):
    index: int
    message: ChatMessage
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
    logprobs: NotRequired[Json | None]


class ChatCompletion(TypedDict):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: NotRequired[Usage]


@CLOSED
class TextChoice(TypedDict):
    text: str
    index: int
    logprobs: Json | None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class TextCompletion(TypedDict):
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: NotRequired[Usage]


class ResponseUsage(TypedDict):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class OutputItem(TypedDict):
    """A message, a function call, a reasoning, or what OpenAI's own tools did."""

    type: str


class Response(TypedDict):
    id: str
    object: Literal["response"]
    created_at: float
    model: str
    status: Literal["completed", "incomplete", "failed", "in_progress", "queued", "cancelled"]
    output: list[OutputItem]
    usage: NotRequired[ResponseUsage | None]
    error: NotRequired[Json | None]
    incomplete_details: NotRequired[Json | None]


class EmbeddingVector(TypedDict):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(TypedDict):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(TypedDict):
    """``embedding`` is a text where base64 was asked for: little-endian 32-bit floats."""

    object: Literal["list"]
    data: list[EmbeddingVector]
    model: str
    usage: EmbeddingUsage


class Moderation(TypedDict):
    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]


class Moderations(TypedDict):
    id: str
    model: str
    results: list[Moderation]


class Transcription(TypedDict):
    """Words, segments and speakers are there where they were asked for."""

    text: str


class Image(TypedDict):
    b64_json: NotRequired[str | None]
    url: NotRequired[str | None]


class Images(TypedDict):
    created: int
    data: list[Image]


@CLOSED
class Model(TypedDict):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


@CLOSED
class ModelList(TypedDict):
    object: Literal["list"]
    data: list[Model]


# Anthropic's.


class AnthropicUsage(TypedDict):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int


class AnthropicBlock(TypedDict):
    """``text``, ``thinking`` or ``tool_use``."""

    type: str


class AnthropicMessage(TypedDict):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[AnthropicBlock]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]
    stop_sequence: str | None
    usage: AnthropicUsage


@CLOSED
class InputTokens(TypedDict):
    input_tokens: int


# Gemini's.


class Candidate(TypedDict):
    index: NotRequired[int]
    content: NotRequired[Json]
    finishReason: NotRequired[str]


class GeminiUsage(TypedDict):
    promptTokenCount: int
    candidatesTokenCount: int
    totalTokenCount: int


class GenerateContentResponse(TypedDict):
    candidates: list[Candidate]
    usageMetadata: NotRequired[GeminiUsage]
    modelVersion: NotRequired[str]
    responseId: NotRequired[str]


@CLOSED
class TotalTokens(TypedDict):
    totalTokens: int


@CLOSED
class GeminiVector(TypedDict):
    values: list[float]


@CLOSED
class GeminiEmbedding(TypedDict):
    embedding: GeminiVector


@CLOSED
class GeminiEmbeddings(TypedDict):
    embeddings: list[GeminiVector]


@CLOSED
class GeminiModel(TypedDict):
    name: str
    version: str
    displayName: str
    inputTokenLimit: NotRequired[int]
    outputTokenLimit: NotRequired[int]
    supportedGenerationMethods: list[str]


@CLOSED
class GeminiModels(TypedDict):
    models: list[GeminiModel]

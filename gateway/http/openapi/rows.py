"""Every route that speaks a provider's API, and the list of all groups; ``own_rows`` has the gateway's own routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from gateway.http.gemini.routes import MODEL, VERSIONS
from gateway.http.openapi import replies
from gateway.http.openapi.form_rows import ROWS as FORM_ROWS
from gateway.http.openapi.kept_rows import ROWS as KEPT_ROWS
from gateway.http.openapi.native_rows import ROWS as NATIVE_ROWS
from gateway.http.openapi.own_rows import GROUPS as OWN_GROUPS
from gateway.http.openapi.own_rows import ROWS as OWN_ROWS
from gateway.http.openapi.row import EVENTS, Json, Kind, Query, Row
from gateway.http.schema import CHAT, EMBEDDING, anthropic, gemini
from gateway.http.schema.completion import COMPLETION
from gateway.http.schema.responses import RESPONSES

GROUPS: dict[str, str] = {
    "OpenAI": "As OpenAI's API has it; a client changes its base URL and its key.",
    "Anthropic": "As Anthropic's API has it, answered by any model that chats.",
    "Gemini": "As Gemini's API has it, answered by any model that chats.",
    **OWN_GROUPS,
}
CHUNKS = "`chat.completion.chunk` objects, then `[DONE]`, where `stream` is true."
FOR_GOOGLE = "As Gemini's API has it where the request has the header `x-goog-api-key`."
DEFAULT = {"model": "default"}


def _generating(method: str, summary: str, body: TypeAdapter[Any], reply: Any, example: Json, **more: Any) -> list[Row]:
    """The rows of one of Gemini's methods, which stands under each version."""
    return [
        Row(
            "POST",
            f"{version}{MODEL}:{method}",
            "Gemini",
            summary,
            reply,
            body=body,
            example=example,
            **({"kind": Kind.MODEL, "asked": DEFAULT} | more),
        )
        for version in VERSIONS
    ]


HELLO: Json = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
EMBED: Json = {"content": {"parts": [{"text": "Hello"}]}}
EMBEDDER: Mapping[str, str] = {"model": "text-embedding-3-small"}
ALT = Query("alt", {"type": "string", "enum": ["sse", "json"]}, "`sse` for events; else it is one array.")

ROWS: tuple[Row, ...] = (
    Row(
        "POST",
        "/v1/chat/completions",
        "OpenAI",
        "Chat",
        replies.ChatCompletion,
        Kind.MODEL,
        says="Plain or streamed, with tools, `response_format`, images and files as parts.",
        body=CHAT,
        example={**DEFAULT, "messages": [{"role": "user", "content": "Hello"}]},
        more={EVENTS: CHUNKS},
    ),
    Row(
        "POST",
        "/v1/completions",
        "OpenAI",
        "Completions, OpenAI's older format",
        replies.TextCompletion,
        Kind.MODEL,
        says="A prompt is a user's message to a model that chats; each of several prompts is a chat of its own.",
        body=COMPLETION,
        example={**DEFAULT, "prompt": "Once upon a time", "max_tokens": 50},
        more={EVENTS: "`text_completion` objects, then `[DONE]`, where `stream` is true."},
    ),
    Row(
        "POST",
        "/v1/responses",
        "OpenAI",
        "Responses",
        replies.Response,
        Kind.MODEL,
        says="Answered by any model that chats, and not kept. What only OpenAI keeps or runs goes to OpenAI's models.",
        body=RESPONSES,
        example={**DEFAULT, "input": "Hello"},
        more={EVENTS: "The response's events, each with its `sequence_number`, where `stream` is true."},
    ),
    Row(
        "POST",
        "/v1/embeddings",
        "OpenAI",
        "Embeddings",
        replies.EmbeddingList,
        Kind.MODEL,
        body=EMBEDDING,
        example={**EMBEDDER, "input": "Hello"},
    ),
    *NATIVE_ROWS,
    *FORM_ROWS,
    *KEPT_ROWS,
    Row(
        "GET",
        "/v1/models",
        "OpenAI",
        "The names that the caller may use",
        replies.ModelList | replies.GeminiModels,
        says=FOR_GOOGLE,
    ),
    Row(
        "GET",
        "/v1/models/{name:path}",
        "OpenAI",
        "One of them",
        replies.Model | replies.GeminiModel,
        says=FOR_GOOGLE,
        asked={"name": "default"},
        statuses=(404,),
    ),
    Row(
        "POST",
        "/v1/messages",
        "Anthropic",
        "Messages",
        replies.AnthropicMessage,
        Kind.MODEL,
        says="Plain or streamed, with tools, images and documents. Thoughts of earlier answers are passed over.",
        body=anthropic.MESSAGES,
        example={**DEFAULT, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]},
        more={EVENTS: "`message_start` to `message_stop`, where `stream` is true."},
    ),
    Row(
        "POST",
        "/v1/messages/count_tokens",
        "Anthropic",
        "How many tokens a request would have",
        replies.InputTokens,
        Kind.COUNTED,
        says="An estimate, made here.",
        body=anthropic.COUNT,
        example={**DEFAULT, "messages": [{"role": "user", "content": "Hello"}]},
        statuses=(404,),
    ),
    *_generating("generateContent", "Generate content", gemini.GENERATE, replies.GenerateContentResponse, HELLO),
    *_generating(
        "streamGenerateContent",
        "Generate content, streamed",
        gemini.GENERATE,
        list[replies.GenerateContentResponse],
        HELLO,
        query=(ALT,),
        more={EVENTS: "A `GenerateContentResponse` each, where `alt` is `sse`."},
    ),
    *_generating(
        "countTokens",
        "How many tokens contents would have",
        gemini.COUNT,
        replies.TotalTokens,
        HELLO,
        kind=Kind.COUNTED,
        says="An estimate, made here.",
        statuses=(404,),
    ),
    *_generating("embedContent", "Embed content", gemini.EMBED, replies.GeminiEmbedding, EMBED, asked=EMBEDDER),
    *_generating(
        "batchEmbedContents",
        "Embed several contents",
        gemini.BATCH,
        replies.GeminiEmbeddings,
        {"requests": [EMBED]},
        asked=EMBEDDER,
    ),
    Row("GET", "/v1beta/models", "Gemini", "The names that the caller may use", replies.GeminiModels),
    Row("GET", f"/v1beta{MODEL}", "Gemini", "One of them", replies.GeminiModel, asked=DEFAULT, statuses=(404,)),
    *OWN_ROWS,
)

"""The routes that no provider's API has: the assistant's, and those that tell about the gateway."""

from __future__ import annotations

from gateway.http.openapi import own_replies as replies
from gateway.http.openapi.headers import NAMED
from gateway.http.openapi.row import EVENTS, HTML, Json, Kind, Query, Row
from gateway.http.schema import KNOWLEDGE, QUESTION

ASSISTANT, HERE = "Assistant", "This gateway"
GROUPS = {
    ASSISTANT: "Questions, answered in conversation or with a modal, and what is remembered of them.",
    HERE: "How it is doing, what was used, and this document.",
}
DAY = {"type": "string", "format": "date"}
QUESTION_EXAMPLE: Json = {
    "query": "What is the next best action?",
    "context": {"lead": {"name": "Maya Chen", "leadScore": 82}},
}
OWNER = (
    Query("user", NAMED, "Another user, with the administrator's key."),
    Query("org", NAMED, "That user's organisation."),
)


def _legacy(path: str) -> Row:
    says = "Always conversational, never streamed."
    example = {"query": "Who is Maya Chen?"}
    return Row(
        "POST", path, ASSISTANT, "Ask, in the legacy shape", replies.Legacy, Kind.MODEL, says, QUESTION, example=example
    )


ROWS: tuple[Row, ...] = (
    Row(
        "POST",
        "/ai/router/v2",
        ASSISTANT,
        "Ask",
        replies.Envelope,
        Kind.MODEL,
        says="A modal comes only where `ui_capabilities` is absent or names `modals`.",
        body=QUESTION,
        example=QUESTION_EXAMPLE,
        more={EVENTS: "`meta`, `delta`s, `done` or `error`, where `stream` is true or `Accept` asks for events."},
    ),
    _legacy("/ai/router/"),
    _legacy("/ai/router"),
    Row(
        "POST",
        "/rag/query",
        ASSISTANT,
        "Ask the knowledge base",
        replies.RagReply,
        Kind.MODEL,
        says="Answered from its passages only, or with a gap. `context.category` and `context.categories` narrow it.",
        body=KNOWLEDGE,
        example={"query": "Who approves a discount?", "limit": 3},
        statuses=(404,),
    ),
    Row("GET", "/rag/health", ASSISTANT, "How the knowledge base is", replies.RagHealth),
    Row("GET", "/ai/router/health", ASSISTANT, "How the assistant is doing", replies.AssistantHealth),
    Row(
        "GET",
        "/ai/memory",
        ASSISTANT,
        "What is kept of a user's conversations",
        replies.Remembered,
        says="Of the user whom `X-User-ID` or the key names.",
        query=OWNER,
    ),
    Row("DELETE", "/ai/memory", ASSISTANT, "Forget a user's conversations", replies.Forgotten, query=OWNER),
    Row(
        "GET",
        "/v1/usage",
        HERE,
        "What was used, by day, key and model",
        replies.UsageReport,
        says="Whoever holds a virtual key sees what was used with it, the administrator all of it.",
        query=(
            Query("from", DAY, "The first day (UTC); 30 days ago where it is absent."),
            Query("to", DAY, "The last day; today where it is absent."),
        ),
    ),
    Row("GET", "/health/live", HERE, "The process runs", replies.Status, Kind.OPEN),
    Row("GET", "/health/ready", HERE, "It is warm, and not about to leave", replies.Status),
    Row("GET", "/openapi.json", HERE, "This document", replies.OpenAPI, Kind.STATIC),
    Row("GET", "/docs", HERE, "The same as a page", str, Kind.STATIC, gives=HTML),
)

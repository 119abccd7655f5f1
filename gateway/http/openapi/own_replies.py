"""The shapes of the replies of the assistant's routes, and of those that tell about the gateway."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from gateway.http.openapi.replies import CLOSED

Json = dict[str, Any]
Share = Annotated[float, Field(ge=0, le=1)]
Bytes = Annotated[int, Field(ge=0)]


@CLOSED
class Action(TypedDict):
    label: str
    action: str


@CLOSED
class Source(TypedDict):
    title: str
    preview: str
    document_type: str
    category: str
    similarity_score: Share


@CLOSED
class Modal(TypedDict):
    """``payload`` fits the JSON Schema of its type in ``config/schemas/``."""

    type: str
    payload: Json


@CLOSED
class Conversational(TypedDict):
    kind: Literal["conversational"]
    answer_markdown: Annotated[str, Field(min_length=1)]
    actions: list[Action]
    sources: Annotated[list[Source], Field(max_length=3)]
    maybe_modal: NotRequired[Modal]


@CLOSED
class ModalReply(TypedDict):
    kind: Literal["modal"]
    actions: list[Action]
    modal: Modal


Envelope = Conversational | ModalReply


@CLOSED
class Legacy(TypedDict):
    """``session_id`` is the conversation, or where there is none the user or this request."""

    answer_markdown: Annotated[str, Field(min_length=1)]
    actions: list[Action]
    sources: Annotated[list[Source], Field(max_length=3)]
    confidence: Share
    intent: str
    session_id: str


@CLOSED
class Quoted(TypedDict):
    """``content`` is the passage, as the model was shown it."""

    title: str
    content: str
    document_type: str
    category: str
    similarity_score: Share


@CLOSED
class RagMetadata(TypedDict):
    """``query_time_ms`` is the search's; ``confidence`` the best passage's score, 0 for a gap."""

    query_time_ms: Annotated[float, Field(ge=0)]
    sources_found: Bytes
    confidence: Share


@CLOSED
class RagReply(TypedDict):
    """``answer`` is an object where ``json_mode`` is true. Where the knowledge base does not answer, it begins with
    "Gap:", and there are no sources."""

    answer: str | Json
    sources: Annotated[list[Quoted], Field(max_length=20)]
    metadata: RagMetadata


@CLOSED
class RagHealth(TypedDict):
    """``reasons`` says why it is empty or degraded. ``mode`` is how it is searched: by text and meaning, or by text."""

    status: Literal["ok", "empty", "degraded"]
    reasons: list[str]
    documents: Bytes
    chunks: Bytes
    embedded: Bytes
    embedding_model: str | None
    embedding_dimension: int | None
    configured_embeddings: str | None
    mode: Literal["hybrid", "text"]
    last_ingest: str | None
    last_ingest_seconds_ago: int | None
    store: str


@CLOSED
class DeploymentHealth(TypedDict):
    deployment: str
    model: str
    provider: str
    lane: str
    serves_assistant: bool
    breaker: Literal["closed", "open", "half-open"]
    breaker_errors: Bytes
    breaker_seconds_left: Annotated[float, Field(ge=0)]
    reason: str | None


@CLOSED
class UnderWay(TypedDict):
    provider_calls: int
    probes: int
    tasks: int


@CLOSED
class MemoryUse(TypedDict):
    bytes: Bytes
    max_bytes: Bytes
    conversations: Bytes


@CLOSED
class Replies(TypedDict):
    conversational: Bytes
    modal: Bytes
    by_type: dict[str, int]
    maybe: dict[str, int]
    payload_from: dict[str, int]


@CLOSED
class AssistantHealth(TypedDict):
    """``reasons`` says why it is degraded."""

    status: Literal["ok", "degraded"]
    reasons: list[str]
    version: str
    uptime_seconds: Bytes
    draining: bool
    flags: dict[str, bool | int]
    primary: str
    fallback: str | None
    local_model: Json | None
    deployments: list[DeploymentHealth]
    under_way: UnderWay
    limits: dict[str, int]
    memory: MemoryUse
    replies: Replies


@CLOSED
class Status(TypedDict):
    status: Literal["ok", "ready"]


@CLOSED
class RememberedTurn(TypedDict):
    user: str
    assistant: str


@CLOSED
class Conversation(TypedDict):
    id: str
    idle_seconds: float
    turns: list[RememberedTurn]


@CLOSED
class Remembered(TypedDict):
    user: str
    org: str | None
    conversations: list[Conversation]


@CLOSED
class Forgotten(TypedDict):
    user: str
    org: str | None
    forgotten: Bytes


@CLOSED
class UsageSums(TypedDict):
    """``estimated`` is how many attempts were counted here, since the provider did not say what they used. ``cost_usd``
    is of what has a known price, null where nothing has."""

    requests: Bytes
    failed: Bytes
    prompt_tokens: Bytes
    cached_tokens: Bytes
    completion_tokens: Bytes
    estimated: Bytes
    cost_usd: float | None


@CLOSED
class UsageRow(UsageSums):
    date: str
    key: str | None
    model: str


UsageReport = TypedDict(
    "UsageReport",
    {"object": Literal["usage"], "from": str, "to": str, "data": list[UsageRow], "total": UsageSums},
)


class OpenAPI(TypedDict):
    """An OpenAPI document."""

    openapi: str
    info: Json
    paths: Json
    components: Json

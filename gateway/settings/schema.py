"""The shape of ``config/gateway.yaml``: the engine's own settings, typed, frozen, each with its default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Section(BaseModel):
    """What every section shares: no unknown key, no silent conversion, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Server(Section):
    """Where it listens, and what it takes from callers."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    max_upload_bytes: Annotated[int, Field(ge=1024)] = 25 * 1024 * 1024
    max_head_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    head_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    write_seconds: Seconds = 30.0
    grace_seconds: Seconds = 30.0


class Limits(Section):
    """Requests per user, counted in sliding windows."""

    per_minute: Count = 60
    burst: Count = 10
    burst_seconds: Count = 10


class Breaker(Section):
    """When a deployment is left alone, and how it comes back."""

    errors: Count = 5
    window_seconds: Seconds = 30.0
    open_seconds: Seconds = 15.0
    probes: Count = 1


class RouteSeconds(Section):
    """Seconds by kind of route: ``/v1`` answers programs, the Ivy routes answer people."""

    v1: Seconds
    ivy: Seconds


class Timeouts(Section):
    """How long each part of a request may take, in seconds."""

    connect_seconds: Seconds = 2.0
    first_token_seconds: Seconds = 5.0
    between_tokens_seconds: Seconds = 10.0
    tail_seconds: Seconds = 1.0
    attempt_seconds: RouteSeconds = RouteSeconds(v1=60.0, ivy=8.0)
    request_seconds: RouteSeconds = RouteSeconds(v1=120.0, ivy=20.0)


class RateLimitSeconds(Section):
    """Seconds by kind of route that a provider's 429 is waited for; 0 asks the next deployment at once."""

    v1: Annotated[float, Field(ge=0, le=60)] = 3.0
    ivy: Annotated[float, Field(ge=0, le=60)] = 0.0


class HedgeAfter(Section):
    """Milliseconds by kind of route until a second deployment is asked beside a silent first; 0 never does."""

    v1: Annotated[int, Field(ge=0, le=60_000)] = 0
    ivy: Annotated[int, Field(ge=0, le=60_000)] = 1000


class Retries(Section):
    """Tries on one deployment before the next is asked, and how many attempts a request has in all."""

    tries: Annotated[int, Field(ge=1, le=10)] = 2
    attempts: Annotated[int, Field(ge=1, le=20)] = 6
    backoff_seconds: Annotated[float, Field(ge=0, le=10)] = 0.1
    rate_limit_seconds: RateLimitSeconds = RateLimitSeconds()
    rate_limit_tries: Annotated[int, Field(ge=1, le=4)] = 3
    hedge_after_ms: HedgeAfter = HedgeAfter()
    stream_break: Literal["continue", "error"] = "continue"
    set_aside_seconds: Seconds = 300.0


class Upstream(Section):
    """How providers are reached. ``lane: litellm`` sends every call through LiteLLM itself. ``plain`` is how a call
    that is not streamed is carried: ``stream`` gathers a stream here, so that a silence in it is noticed."""

    lane: Literal["auto", "litellm"] = "auto"
    plain: Literal["stream", "whole"] = "stream"
    connections: Count = 1000
    max_reply_bytes: Annotated[int, Field(ge=1024)] = 8 * 1024 * 1024


class Logging(Section):
    """Where the log goes and how large it may grow. ``texts: true`` is for debugging on one's own machine."""

    dir: str = "logs"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_bytes: Annotated[int, Field(ge=10_000)] = 20_000_000
    backups: Annotated[int, Field(ge=1, le=100)] = 5
    texts: bool = False


class Flags(Section):
    """Whole behaviours, switched off by one word."""

    modal_heuristics: bool = True
    organic_enabled: bool = True


class Rollout(Section):
    """``v2_percent`` of v2's users get all of v2; the rest is answered conversationally, as v1 does."""

    v2_percent: Annotated[int, Field(ge=0, le=100)] = 100


class MemoryBounds(Section):
    """What is kept of conversations: each bounded, and ``max_bytes`` of memory for all of them."""

    turns: Annotated[int, Field(ge=1, le=1000)] = 20
    characters: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    idle_seconds: Annotated[float, Field(gt=0, le=30 * 86400)] = 3600.0
    max_bytes: Annotated[int, Field(ge=100_000)] = 64 * 1024 * 1024


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Pattern = Annotated[str, Field(min_length=1, max_length=500)]


class Privacy(Section):
    """What is personal besides e-mail addresses and phone numbers: RE2 patterns by name."""

    identifiers: dict[Name, Pattern] = Field(default_factory=dict)


class ChunkSizes(Section):
    """Characters of a chunk: about ``target``, never more than ``most``."""

    target: Annotated[int, Field(ge=100, le=20_000)] = 900
    most: Annotated[int, Field(ge=200, le=40_000)] = 1800


class KnowledgeBase(Section):
    """The index of documents. ``store`` is a folder or an object storage's URL (``s3://bucket/prefix``), whose options
    are LanceDB's. ``embeddings`` is ``auto`` (a configured model that can, else the local one, else none), ``local``,
    ``none`` or a ``model_name`` of litellm.yaml. ``dense_weight`` is the share of meaning against words."""

    store: Annotated[str, Field(min_length=1)] = "knowledge"
    storage_options: dict[str, str] = Field(default_factory=dict)
    embeddings: Annotated[str, Field(min_length=1)] = "auto"
    dense_weight: Annotated[float, Field(ge=0, le=1)] = 0.7
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    seconds: Seconds = 2.0
    refresh_seconds: Seconds = 5.0
    max_file_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    chunk_characters: ChunkSizes = ChunkSizes()


class PolicyEntry(Section):
    """One policy of the list; ``on_error: skip`` lets a request pass where the policy itself fails."""

    name: str
    on_error: Literal["refuse", "skip"] = "refuse"
    options: dict[str, Any] = Field(default_factory=dict)


class GatewayConfig(Section):
    """``config/gateway.yaml``."""

    server: Server = Server()
    limits: Limits = Limits()
    breaker: Breaker = Breaker()
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    upstream: Upstream = Upstream()
    logging: Logging = Logging()
    flags: Flags = Flags()
    rollout: Rollout = Rollout()
    memory: MemoryBounds = MemoryBounds()
    privacy: Privacy = Privacy()
    knowledge: KnowledgeBase = KnowledgeBase()
    policies: Annotated[tuple[PolicyEntry, ...], Field(strict=False)] = ()

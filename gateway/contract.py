"""What the engine and the policies agree on: Call, Chunk, Policy and the error tree.

This is the one module of ``gateway`` that a policy may import.

Error tree::

    GatewayError                 becomes an OpenAI-shaped error body
    ├── Refusal                  a policy stops a request
    ├── InvalidRequest     400   the caller's to mend; names the field
    ├── Unauthorized       401
    ├── Forbidden          403
    ├── NotFound           404
    ├── MethodNotAllowed   405
    ├── PayloadTooLarge    413
    ├── UnsupportedMedia   415
    ├── RateLimited        429   carries Retry-After
    ├── InternalError      500   a fault of the gateway's own
    ├── Unavailable        503   no provider answered; carries Retry-After
    └── UpstreamRejected   4xx   the provider refused this request, and any other would
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

NOTHING: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """The empty, read-only mapping, as a dataclass default."""
    return NOTHING


#: The name for the primary model, whichever that is.
DEFAULT_MODEL = "default"


class Surface(StrEnum):
    """Which face of the gateway was called: OpenAI's, or the assistant's."""

    V1 = "v1"
    IVY = "ivy"


class Operation(StrEnum):
    """What is asked of a model; each is carried by one method of LiteLLM's Router."""

    CHAT = "chat"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls. ``address`` stands in where a caller names no user."""

    address: str
    user: str | None = None
    org: str | None = None
    conversation: str | None = None

    @property
    def subject(self) -> str:
        """The key that limits are counted under; an address can't be mistaken for a user."""
        if self.user is None:
            return f"address\0{self.address}"
        return f"user\0{self.org or ''}\0{self.user}"


@dataclass(frozen=True, slots=True)
class Question:
    """What an Ivy route was asked: the query, the caller's context, what its screen can do.

    ``ui_capabilities`` is None where the caller sent none, which is not the same as an empty list.
    """

    query: str
    context: Mapping[str, Any] = field(default_factory=nothing)
    ui_capabilities: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a model, as the policies see and shape it (``dataclasses.replace``).

    ``params`` is the OpenAI body without ``model`` and ``stream``: for CHAT ``messages`` and the rest.
    It must not be changed in place: a retry and a fallback are sent the same mapping.
    ``usage_wanted`` is a stream's caller asking for token counts. ``learnt`` carries what a request hook found
    out to the same policy's response hook, by policy name.
    """

    request_id: str
    surface: Surface
    operation: Operation
    model: str
    params: Mapping[str, Any]
    identity: Identity
    stream: bool = False
    usage_wanted: bool = False
    question: Question | None = None
    learnt: Mapping[str, Any] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a reply; a whole reply is a stream of one.

    For CHAT ``data`` is OpenAI's ``chat.completion.chunk`` object (``choices[].delta``), whether the
    provider streamed or not. For every other operation it is the whole reply's body. ``notes`` is what
    policies add to an Ivy envelope: ``actions``, ``sources``, ``maybe_modal``; later notes win.
    """

    data: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=nothing)

    @property
    def text(self) -> str:
        """The text this chunk adds to the first choice, or an empty string."""
        for choice in self.data.get("choices") or ():
            if choice.get("index", 0) == 0:
                return (choice.get("delta") or {}).get("content") or ""
        return ""


class Files(Protocol):
    """The operator's configuration folder, as a policy may read it while it is built."""

    def text(self, name: str) -> str:
        """The text of a file named relative to the folder; raises ValueError if it can't be read."""


class Policy:
    """One behaviour of the product, as hooks around the provider's call.

    A policy is built once with its validated ``Options`` and keeps nothing of a request.
    """

    #: A pydantic model of the policy's options in ``config/gateway.yaml``.
    Options: ClassVar[type[Any]]

    async def request(self, call: Call) -> Call:
        """Before the provider is called. May return a changed call or raise Refusal."""
        return call

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """Around the reply; mostly an async generator. ``call`` is what the request hooks made of it."""
        del call
        return chunks


class GatewayError(Exception):
    """An answer to the caller that is not a reply.

    ``message`` says what to do and holds no secret, prompt or provider address. ``code`` is the stable
    word for it. ``retry_after`` is in seconds.
    """

    status: int = 500
    type: str = "server_error"
    code: str = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.param = param
        self.retry_after = retry_after
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """OpenAI's error body."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class InvalidRequest(GatewayError):
    """The request can't be understood or carried out; ``param`` names the field."""

    status, type, code = 400, "invalid_request_error", "invalid_value"


class Refusal(GatewayError):
    """Raised by a policy to stop a request; the message goes to the caller as it is."""

    status, type, code = 403, "invalid_request_error", "refused"


class Unauthorized(GatewayError):
    """No key, or not one of ours."""

    status, type, code = 401, "invalid_request_error", "invalid_api_key"


class Forbidden(GatewayError):
    """The caller is known, or local, and may still not do this."""

    status, type, code = 403, "invalid_request_error", "forbidden"


class NotFound(GatewayError):
    """No such path or model."""

    status, type, code = 404, "invalid_request_error", "not_found"


class MethodNotAllowed(GatewayError):
    """The path is right, the method is not."""

    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class PayloadTooLarge(GatewayError):
    """The body is over the configured size."""

    status, type, code = 413, "invalid_request_error", "payload_too_large"


class UnsupportedMedia(GatewayError):
    """The body is not JSON, or is compressed."""

    status, type, code = 415, "invalid_request_error", "unsupported_media_type"


class RateLimited(GatewayError):
    """Over a limit of the gateway's or, where every provider says so, of the providers'."""

    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


class InternalError(GatewayError):
    """A fault in here; the log has it under the request id."""


class Unavailable(GatewayError):
    """No provider answered."""

    status, code = 503, "no_provider_available"


class UpstreamRejected(GatewayError):
    """The provider found fault with the request itself, so that no other was asked."""

    status, type, code = 400, "invalid_request_error", "invalid_request"

    def __init__(self, message: str, *, status: int, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message, code=code, param=param)
        self.status = status

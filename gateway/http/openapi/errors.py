"""How a route can fail: statuses, bodies and headers, taken from the errors themselves."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from gateway.contract import (
    Forbidden,
    GatewayError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
    UpstreamRejected,
)
from gateway.http import reply
from gateway.http.anthropic import errors as anthropic
from gateway.http.gemini import errors as gemini
from gateway.http.openapi import replies
from gateway.http.openapi.row import JSON, Json, Kind, Row

BEARER = {"WWW-Authenticate": "Bearer"}
#: What each status says, and an error of it.
ERRORS: tuple[tuple[str, GatewayError], ...] = (
    (
        "The request is wrong: `param` names the field or the header, `code` tells what it is. With "
        "`context_length_exceeded`, `content_policy_violation` and a provider's own codes a provider says so.",
        InvalidRequest("Unknown parameter: 'mood'.", param="mood", code="unknown_parameter"),
    ),
    ("No key, or none that is valid here.", Unauthorized("The API key is not valid here.", headers=BEARER)),
    (
        "The key may not do this or use this model, or a policy refuses it; where no key is configured, the caller is "
        "not on the gateway's machine.",
        Forbidden("This key may not use the model 'm'; it may use: n.", code="model_not_allowed", param="model"),
    ),
    (
        "There is no such thing, or no model for it: the message says which there are, or what to configure.",
        NotFound("There is no such model here; there are: default.", code="model_not_found", param="model"),
    ),
    ("What another method gets at this path.", MethodNotAllowed("This path takes POST.", headers={"Allow": "POST"})),
    (
        "What is kept is in no state for it; the provider says why.",
        UpstreamRejected("Cannot cancel a batch with status 'completed'.", status=409, code="conflict"),
    ),
    ("The body is over the configured size.", PayloadTooLarge("The body may have at most 4194304 bytes.")),
    (
        "The body is of another media type, or compressed.",
        UnsupportedMedia("Send the body without a Content-Encoding."),
    ),
    ("Over a limit of the user's, the key's or the providers'.", RateLimited("Try again in 2 s.", retry_after=2)),
    ("A fault of the gateway's own; its log has it under the request id.", InternalError("Something failed.")),
    (
        "No model could answer, or the gateway is starting or leaving.",
        Unavailable("No model could answer. Try again in 2 s.", retry_after=2),
    ),
)
KEYED = (400, 401, 403, 405, 500)
#: Only where there is a body.
OF_BODIES = {413, 415}
COUNTED = (*KEYED, 413, 415, 429, 503)
#: The statuses of each kind of route.
STATUSES: dict[Kind, tuple[int, ...]] = {
    Kind.MODEL: (*COUNTED, 404),
    Kind.COUNTED: COUNTED,
    Kind.PLAIN: (*KEYED, 503),
    Kind.STATIC: KEYED,
    Kind.OPEN: (405, 500),
}
#: Which body each manner of telling errors has, and what its components are called.
BODIES: dict[ModuleType | None, tuple[type, str]] = {
    None: (replies.Error, ""),
    anthropic: (replies.AnthropicError, "Anthropic"),
    gemini: (replies.GeminiError, "Gemini"),
}
#: A request id is in every reply, the others in those that need them.
ALWAYS = "X-Request-ID"


def of(row: Row) -> dict[str, Json]:
    """References to the route's errors, by status."""
    manner = _manner(row.path)
    return {
        str(status): {"$ref": f"#/components/responses/{_name(status, manner)}"} for status in sorted(_statuses(row))
    }


def components(row: Row) -> Iterator[tuple[str, Json]]:
    """The components that ``of`` refers to."""
    manner = _manner(row.path)
    wanted = _statuses(row)
    for says, error in ERRORS:
        if error.status in wanted:
            yield _name(error.status, manner), _component(says, error, row, manner)


def _statuses(row: Row) -> set[int]:
    found = {*STATUSES[row.kind], *row.statuses}
    return found if row.body is not None else found - OF_BODIES


def _component(says: str, error: GatewayError, row: Row, manner: ModuleType | None) -> Json:
    kind, _ = BODIES[manner]
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    names = (ALWAYS, *reply.error_headers(error))
    return {
        "description": says,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {JSON: {"schema": schema, "example": reply.error_body(error, row.path)}},
    }


def _manner(path: str) -> ModuleType | None:
    return next((one for one in reply.MANNERS if one.read_on(path)), None)


def _name(status: int, manner: ModuleType | None) -> str:
    name = next(type(error).__name__ for _, error in ERRORS if error.status == status)
    return BODIES[manner][1] + name

"""The headers that requests may have and replies do, each with its schema and what it says."""

from __future__ import annotations

from gateway.http.access import REQUEST_ID
from gateway.http.auth import NAME
from gateway.http.control import FALLBACKS, NO_CACHE, SHORTEST_SECONDS, TIMEOUT
from gateway.http.openapi.row import Json, Kind, Row

STRING: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
TRUE: Json = {"type": "string", "enum": ["true"]}
SWITCH: Json = {"type": "string", "enum": ["true", "false"]}
NAMED: Json = {"type": "string", "pattern": f"^({NAME.pattern})?$"}
SECONDS: Json = {"type": "string", "pattern": r"^[0-9]+s$"}

#: Of requests: who calls.
IDENTITY: dict[str, tuple[Json, str]] = {
    "X-Request-ID": (
        STRING,
        f"Names the request in the reply and in the log, where it is of the form `{REQUEST_ID.pattern}`.",
    ),
    "X-User-ID": (NAMED, "The user, whose limits and memory apply. A key's own user wins."),
    "X-Org-ID": (NAMED, "The user's organisation. A key's own wins."),
    "X-Organization-ID": (NAMED, "The same, where X-Org-ID is absent."),
    "X-Conversation-ID": (NAMED, "The conversation that is remembered and gone on with."),
}
#: Of requests that call a model: how.
CONTROL: dict[str, tuple[Json, str]] = {
    FALLBACKS: (SWITCH, "`true`: only the model that was asked for."),
    TIMEOUT: (
        {"type": "number", "minimum": SHORTEST_SECONDS},
        "Seconds for the providers; at most what is configured.",
    ),
    NO_CACHE: (SWITCH, "`true`: a fresh answer. Nothing is cached here, so that every answer is one."),
}
#: Of replies of a model.
TRAIL: dict[str, tuple[Json, str]] = {
    "X-Ivy-Model": (STRING, "Who answered."),
    "X-Ivy-Attempts": ({"type": "integer", "minimum": 1}, "How many attempts it took."),
    "X-Ivy-Fallback-Reason": (STRING, "Why it was not the first choice."),
    "X-Ivy-Degraded": (TRUE, "No model answered, and the reply was made without one."),
}
#: Of replies that count against a limit.
LIMITS: dict[str, tuple[Json, str]] = {
    "X-RateLimit-Limit": (COUNT, "Requests a minute, or of the limit that was hit."),
    "X-RateLimit-Remaining": (COUNT, "Requests that are left."),
    "X-RateLimit-Reset": (COUNT, "Seconds until the limit is whole again."),
    "x-ratelimit-limit-requests": (COUNT, "Requests a minute of the key, where it has a limit."),
    "x-ratelimit-remaining-requests": (COUNT, "What is left of them."),
    "x-ratelimit-reset-requests": (SECONDS, "Seconds until they are whole again."),
    "x-ratelimit-limit-tokens": (COUNT, "Tokens a minute of the key, where it has a limit."),
    "x-ratelimit-remaining-tokens": (COUNT, "What is left of them."),
    "x-ratelimit-reset-tokens": (SECONDS, "Seconds until they are whole again."),
}
#: Of replies.
OTHERS: dict[str, tuple[Json, str]] = {
    "X-Request-ID": (STRING, "The request's id."),
    "Retry-After": ({"type": "integer", "minimum": 1}, "Seconds to wait before trying again."),
    "WWW-Authenticate": (STRING, "How to send a key."),
    "Allow": (STRING, "The methods that there are."),
}
#: Those of them that are there whatever happens.
SURE = frozenset(OTHERS)


def parameters(row: Row) -> list[Json]:
    """References to the headers that the route's requests may have."""
    names = () if row.kind is Kind.OPEN else (*IDENTITY, *(CONTROL if row.kind is Kind.MODEL else ()))
    return [{"$ref": f"#/components/parameters/{name}"} for name in names or ("X-Request-ID",)]


def of_reply(row: Row) -> Json:
    """References to the headers of the route's reply."""
    limits = LIMITS if row.kind in (Kind.MODEL, Kind.COUNTED) else ()
    trail = TRAIL if row.kind is Kind.MODEL else ()
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *trail, *limits)}


def components() -> Json:
    """All that ``parameters``, ``of_reply`` and the errors refer to."""
    asked = {
        name: {"name": name, "in": "header", "schema": schema, "description": says}
        for name, (schema, says) in (IDENTITY | CONTROL).items()
    }
    given = {
        name: {"schema": schema, "description": says, **({"required": True} if name in SURE else {})}
        for name, (schema, says) in (TRAIL | LIMITS | OTHERS).items()
    }
    return {"parameters": asked, "headers": given}

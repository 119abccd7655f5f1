"""Errors as Google's clients read them, with all that OpenAI's clients read."""

from __future__ import annotations

from typing import Any

from gateway.contract import GatewayError

#: Google's word by status (google.rpc.Code); any other 4xx is about the request.
STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

#: Google's clients of late say "v1", where OpenAI's list of models is too.
METHODS = ("generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents")
ENDS = tuple(f":{method}" for method in METHODS)


def read_on(path: str) -> bool:
    """Whether Google's clients read errors of this path, if there is one."""
    return path == "/v1beta" or path.startswith("/v1beta/") or (path.startswith("/v1/models/") and path.endswith(ENDS))


def body(error: GatewayError) -> dict[str, Any]:
    """OpenAI's error body with ``error.status`` in Google's words."""
    status = STATUSES.get(error.status, "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")
    return {"error": {**error.body()["error"], "status": status}}

"""Errors as Anthropic's clients read them, with all that OpenAI's clients read."""

from __future__ import annotations

from typing import Any

from gateway.contract import GatewayError

#: Anthropic's word by status; any other 4xx is about the request.
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


#: A conversation that Anthropic keeps; its client goes on without where it is told so in these words.
THREAD = "thread"


def read_on(path: str) -> bool:
    """Whether Anthropic's clients read errors of this path, if there is one."""
    return path == "/v1/messages" or path.startswith("/v1/messages/")


def body(error: GatewayError) -> dict[str, Any]:
    """``{"type": "error", "error": {"type", "message", "param", "code"}}``; the type is Anthropic's."""
    kind = TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    told = {**error.body()["error"], "type": kind}
    if error.code == "unknown_parameter" and error.param == THREAD:
        told["details"] = {"error_code": "thread_unsupported_request", "unsupported": [THREAD]}
    return {"type": "error", "error": told}

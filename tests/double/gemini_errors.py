"""Gemini's error bodies."""

from typing import Any

from .wire import Canned, Problem, Subject

RPC = "type.googleapis.com/google.rpc."
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MESSAGES = {
    429: "You exceeded your current quota, please check your plan and billing details.",
    500: "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
    503: "The model is overloaded. Please try again later.",
    504: "The request timed out. Please try again.",
}


def body(status: int, message: str, details: list[Any] | None = None) -> Any:
    """`{"error": {"code", "message", "status"[, "details"]}}`."""
    error: dict[str, Any] = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}
    return {"error": error | ({"details": details} if details else {})}


def error(status: int, message: str | None, retry_after: float | None) -> Problem:
    """An error of any status; `retry_after` seconds become a RetryInfo detail."""
    text = message or MESSAGES.get(status, f"The request failed with status {status}.")
    details = [] if retry_after is None else [{"@type": f"{RPC}RetryInfo", "retryDelay": f"{retry_after:g}s"}]
    return Problem(status, body(status, text, details))


def canned(name: Canned, subject: Subject) -> Problem:
    """The errors that Gemini words in its own way."""
    return _BUILDERS[name](subject)


def _context_too_long(subject: Subject) -> Problem:
    text = "The input token count (1048999) exceeds the maximum number of tokens allowed (1048576)."
    return Problem(400, body(400, text))


def _model_not_found(subject: Subject) -> Problem:
    text = (
        f"models/{subject.model} is not found for API version v1beta, or is not supported for "
        f"{subject.operation}. Call ListModels to see the list of available models and their supported "
        "methods."
    )
    return Problem(404, body(404, text))


def _bad_key(subject: Subject) -> Problem:
    reason = {
        "@type": f"{RPC}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    text = "API key not valid. Please pass a valid API key."
    words = {"@type": f"{RPC}LocalizedMessage", "locale": "en-US", "message": text}
    return Problem(400, body(400, text, [reason, words]))


def _no_key(subject: Subject) -> Problem:
    text = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return Problem(403, body(403, text))


def _policy(subject: Subject) -> Problem:
    return Problem(400, body(400, "The request was blocked by the safety filters."))


def _prefill(subject: Subject) -> Problem:
    text = "Please ensure that multiturn requests end with a user role or a function response."
    return Problem(400, body(400, text))


def _bad_json(subject: Subject) -> Problem:
    return Problem(400, body(400, f"Invalid JSON payload received. {subject.detail}"))


def _bad_request(subject: Subject) -> Problem:
    return Problem(400, body(400, subject.detail))


_BUILDERS = {
    "context_too_long": _context_too_long,
    "model_not_found": _model_not_found,
    "bad_key": _bad_key,
    "no_key": _no_key,
    "policy": _policy,
    "prefill": _prefill,
    "bad_json": _bad_json,
    "bad_request": _bad_request,
}

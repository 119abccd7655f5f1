"""OpenAI's error bodies."""

from typing import Any

from .wire import Canned, Problem, Subject

TYPES = {401: "invalid_request_error", 403: "invalid_request_error", 429: "requests"}
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
MESSAGES = {
    401: "Incorrect API key provided.",
    429: "Rate limit reached for requests. Limit: 3 / min. Please try again later.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: "The engine is currently overloaded, please try again later.",
}
FIRST_SERVER_ERROR = 500


def body(message: str, kind: str = "invalid_request_error", code: str | None = None, param: str | None = None) -> Any:
    """`{"error": {"message", "type", "param", "code"}}`."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error(status: int, message: str | None, retry_after: float | None) -> Problem:
    """An error of any status; `retry_after` seconds become the Retry-After header."""
    kind = "server_error" if status >= FIRST_SERVER_ERROR else TYPES.get(status, "invalid_request_error")
    text = message or MESSAGES.get(status, f"The request failed with status {status}.")
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Problem(status, body(text, kind, CODES.get(status)), headers)


def canned(name: Canned, subject: Subject) -> Problem:
    """The errors that OpenAI words in its own way."""
    return _BUILDERS[name](subject)


def _context_too_long(subject: Subject) -> Problem:
    text = (
        "This model's maximum context length is 128000 tokens. However, your messages resulted in "
        "130042 tokens. Please reduce the length of the messages."
    )
    return Problem(400, body(text, code="context_length_exceeded", param="messages"))


def _model_not_found(subject: Subject) -> Problem:
    text = f"The model `{subject.model}` does not exist or you do not have access to it."
    return Problem(404, body(text, code="model_not_found"))


def _bad_key(subject: Subject) -> Problem:
    key = subject.key.removeprefix("Bearer ")
    shown = f"{key[:3]}{'*' * 8}{key[-4:]}"
    place = "https://platform.openai.com/account/api-keys"
    text = f"Incorrect API key provided: {shown}. You can find your API key at {place}."
    return Problem(401, body(text, code="invalid_api_key"))


def _no_key(subject: Subject) -> Problem:
    text = (
        "You didn't provide an API key. You need to provide your API key in an Authorization header using "
        "Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
    )
    return Problem(401, body(text))


def _policy(subject: Subject) -> Problem:
    text = "Your request was rejected as a result of our safety system."
    return Problem(400, body(text, code="content_policy_violation"))


def _prefill(subject: Subject) -> Problem:
    text = "This model does not support assistant message prefill. The conversation must end with a user message."
    return Problem(400, body(text, code="invalid_prefill", param="messages"))


def _bad_json(subject: Subject) -> Problem:
    return Problem(400, body(f"We could not parse the JSON body of your request: {subject.detail}"))


def _bad_request(subject: Subject) -> Problem:
    return Problem(400, body(subject.detail))


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

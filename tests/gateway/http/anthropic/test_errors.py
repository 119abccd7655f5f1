from __future__ import annotations

import pytest

from gateway.contract import (
    Forbidden,
    GatewayError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    Refusal,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
    UpstreamRejected,
)
from gateway.http.anthropic import errors


# The words are those of Anthropic's API reference.
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("m"), "invalid_request_error"),
        (UpstreamRejected("m", status=400), "invalid_request_error"),
        (Unauthorized("m"), "authentication_error"),
        (Forbidden("m"), "permission_error"),
        (Refusal("m"), "permission_error"),
        (NotFound("m"), "not_found_error"),
        (MethodNotAllowed("m"), "invalid_request_error"),
        (PayloadTooLarge("m"), "request_too_large"),
        (UnsupportedMedia("m"), "invalid_request_error"),
        (RateLimited("m"), "rate_limit_error"),
        (InternalError("m"), "api_error"),
        (Unavailable("m"), "overloaded_error"),
    ],
)
def test_an_error_is_in_anthropic_s_words(error: GatewayError, kind: str) -> None:
    body = errors.body(error)
    assert body == {
        "type": "error",
        "error": {"type": kind, "message": "m", "param": None, "code": error.code},
    }


def test_a_conversation_that_is_to_be_kept_is_refused_so_that_the_client_goes_on_without() -> None:
    refused = InvalidRequest("Unknown parameter: 'thread'.", param="thread", code="unknown_parameter")
    assert errors.body(refused)["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }
    assert "details" not in errors.body(InvalidRequest("no", param="thread"))["error"]

from __future__ import annotations

import pytest

from gateway import contract
from gateway.contract import GatewayError, UpstreamRejected

ERRORS = [
    kind
    for kind in vars(contract).values()
    if isinstance(kind, type) and issubclass(kind, GatewayError) and kind is not UpstreamRejected
]
STATUS = {
    "GatewayError": 500,
    "InvalidRequest": 400,
    "Refusal": 403,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "PayloadTooLarge": 413,
    "UnsupportedMedia": 415,
    "RateLimited": 429,
    "InternalError": 500,
    "Unavailable": 503,
}


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_has_its_status_and_openai_s_body(kind: type[GatewayError]) -> None:
    error = kind("what to do", param="field")
    assert error.status == STATUS[kind.__name__]
    expected = {"message": "what to do", "param": "field", "type": kind.type, "code": kind.code}
    assert error.body() == {"error": expected}
    assert kind("m", code="own").body()["error"]["code"] == "own"


def test_a_provider_s_rejection_keeps_its_status_and_words() -> None:
    error = UpstreamRejected("too long", status=413, code="context_length_exceeded", param="messages")
    assert error.status == 413
    assert error.body()["error"]["code"] == "context_length_exceeded"

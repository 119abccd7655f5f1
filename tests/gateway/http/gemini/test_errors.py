from __future__ import annotations

import pytest
from starlette.routing import Route

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
    UpstreamRejected,
)
from gateway.http.gemini import errors
from gateway.http.gemini.routes import routes


# The words are those of google.rpc.Code.
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("m"), "INVALID_ARGUMENT"),
        (UpstreamRejected("m", status=400), "INVALID_ARGUMENT"),
        (Unauthorized("m"), "UNAUTHENTICATED"),
        (Forbidden("m"), "PERMISSION_DENIED"),
        (NotFound("m"), "NOT_FOUND"),
        (MethodNotAllowed("m"), "INVALID_ARGUMENT"),
        (PayloadTooLarge("m"), "INVALID_ARGUMENT"),
        (RateLimited("m"), "RESOURCE_EXHAUSTED"),
        (InternalError("m"), "INTERNAL"),
        (Unavailable("m"), "UNAVAILABLE"),
    ],
)
def test_an_error_has_google_s_word_beside_openai_s(error: GatewayError, status: str) -> None:
    assert errors.body(error) == {
        "error": {"message": "m", "type": error.type, "param": None, "code": error.code, "status": status}
    }


def test_a_deadline_has_a_word_of_its_own() -> None:
    assert errors.body(UpstreamRejected("m", status=504))["error"]["status"] == "DEADLINE_EXCEEDED"


def test_every_route_s_errors_are_in_google_s_words() -> None:
    made = [route for route in routes(lambda: None) if type(route) is Route]  # type: ignore[arg-type, return-value]
    paths = [route.path.replace("{model:path}", "a/b") for route in made]
    assert len(paths) == 12
    assert all(map(errors.read_on, paths))
    assert not any(map(errors.read_on, ["/v1/models", "/v1/models/a", "/v1/models/a:other", "/v1beta1/models"]))

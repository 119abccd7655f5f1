from __future__ import annotations

from starlette.routing import Match

from gateway.http.gemini.errors import METHODS
from gateway.http.gemini.routes import routes
from tests.support.asgi import scope


def engine() -> None:
    raise AssertionError("asked for before a request came")


ROUTES = routes(engine)  # type: ignore[arg-type]


def found(method: str, path: str, **headers: str) -> tuple[str, str] | None:
    """The route that takes it, and the model it names."""
    for route in ROUTES:
        match, child = route.matches(scope(method, path, headers))
        if match is Match.FULL:
            return route.path.rpartition("}")[2], child["path_params"].get("model", "")
    return None


def test_a_model_s_name_is_all_that_stands_before_the_method() -> None:
    for version in ("/v1beta", "/v1"):
        for method in METHODS:
            assert found("POST", f"{version}/models/gemini-2.0-flash:{method}") == (f":{method}", "gemini-2.0-flash")
            assert found("POST", f"{version}/models/org/a:b:{method}") == (f":{method}", "org/a:b")


def test_models_are_listed_at_google_s_address_and_for_google_s_clients() -> None:
    assert found("GET", "/v1beta/models") == ("/v1beta/models", "")
    assert found("GET", "/v1beta/models/org/m") == ("", "org/m")
    assert found("GET", "/v1/models") is found("GET", "/v1/models/m") is None
    assert found("GET", "/v1/models", **{"x-goog-api-key": "k"}) == ("/v1/models", "")
    assert found("GET", "/v1/models/org/m", **{"x-goog-api-key": "k"}) == ("", "org/m")
    assert found("POST", "/v1beta/models/m") is found("POST", "/v1beta/models/m:predict") is None

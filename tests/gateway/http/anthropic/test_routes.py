from __future__ import annotations

from gateway.http.anthropic.routes import routes


def engine() -> None:
    raise AssertionError("asked for before a request came")


def test_the_paths_are_anthropic_s() -> None:
    found = {route.path: route.methods for route in routes(engine)}  # type: ignore[arg-type]
    assert found == {"/v1/messages": {"POST"}, "/v1/messages/count_tokens": {"POST"}}

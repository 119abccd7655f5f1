from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from gateway.contract import GatewayError, UpstreamRejected
from gateway.http.openapi import errors
from gateway.http.openapi.row import JSON, Kind, Row
from gateway.http.openapi.rows import ROWS


def row(path: str = "/v1/chat/completions", kind: Kind = Kind.MODEL) -> Row:
    return Row("POST", path, "OpenAI", "Chat", str, kind, body=TypeAdapter(dict[str, str]))


def test_every_error_that_the_gateway_makes_is_told_of() -> None:
    """A policy's refusal and a provider's have statuses that others have too, but for 409."""
    made = {kind.status for kind in GatewayError.__subclasses__() if kind is not UpstreamRejected}
    assert made | {409} == {error.status for _, error in errors.ERRORS}


def test_a_model_s_route_can_fail_in_every_way_and_the_open_one_hardly() -> None:
    assert [int(status) for status in errors.of(row())] == [400, 401, 403, 404, 405, 413, 415, 429, 500, 503]
    assert [int(status) for status in errors.of(row("/health/live", Kind.OPEN))] == [405, 500]


def test_without_a_body_none_is_too_large_or_of_another_type() -> None:
    bare = Row("GET", "/v1/files", "OpenAI", "Files", str, Kind.COUNTED, statuses=(404, 409))
    assert [int(status) for status in errors.of(bare)] == [400, 401, 403, 404, 405, 409, 429, 500, 503]


@pytest.mark.parametrize("one", ROWS, ids=lambda one: f"{one.method} {one.path}")
def test_each_reference_has_its_component_and_each_example_its_shape(one: Row) -> None:
    components = dict(errors.components(one))
    named = {reference["$ref"].removeprefix("#/components/responses/") for reference in errors.of(one).values()}
    assert named == set(components)
    for component in components.values():
        content = component["content"][JSON]
        kind = next(k for k, _ in errors.BODIES.values() if content["schema"]["$ref"].endswith(f"/{k.__name__}"))
        TypeAdapter(kind).validate_python(content["example"])


@pytest.mark.parametrize(
    ("path", "name", "schema"),
    [
        ("/v1/chat/completions", "NotFound", "Error"),
        ("/v1/messages", "AnthropicNotFound", "AnthropicError"),
        ("/v1beta/models/{model:path}", "GeminiNotFound", "GeminiError"),
        ("/v1/models/{model:path}:generateContent", "GeminiNotFound", "GeminiError"),
    ],
)
def test_errors_have_the_shape_that_the_path_s_clients_read(path: str, name: str, schema: str) -> None:
    component = dict(errors.components(row(path)))[name]
    assert component["content"][JSON]["schema"] == {"$ref": f"#/components/schemas/{schema}"}


def test_the_headers_of_errors_are_those_that_they_carry() -> None:
    components = dict(errors.components(row()))
    found = {name: sorted(set(component["headers"]) - {"X-Request-ID"}) for name, component in components.items()}
    assert {name: extra for name, extra in found.items() if extra} == {
        "Unauthorized": ["WWW-Authenticate"],
        "MethodNotAllowed": ["Allow"],
        "RateLimited": ["Retry-After"],
        "Unavailable": ["Retry-After"],
    }

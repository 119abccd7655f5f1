from __future__ import annotations

import re

import pytest

from gateway.contract import InvalidRequest, Trail
from gateway.http.auth import name
from gateway.http.endpoint import trail_headers
from gateway.http.openapi import errors, headers
from gateway.http.openapi.row import Kind, Row


def row(kind: Kind) -> Row:
    return Row("POST", "/x", "OpenAI", "x", str, kind)


def parameters(kind: Kind) -> list[str]:
    return [one["$ref"].rpartition("/")[2] for one in headers.parameters(row(kind))]


def test_only_a_model_s_route_takes_headers_on_how_to_ask_it() -> None:
    assert [name for name in parameters(Kind.MODEL) if name.startswith("X-Ivy-")] == list(headers.CONTROL)
    assert not [name for name in parameters(Kind.PLAIN) if name.startswith("X-Ivy-")]
    assert parameters(Kind.OPEN) == ["X-Request-ID"]


def test_each_reference_has_its_component() -> None:
    components = headers.components()
    for kind in Kind:
        assert set(parameters(kind)) <= set(components["parameters"])
        assert set(headers.of_reply(row(kind))) <= set(components["headers"])
    for component in dict(errors.components(row(Kind.MODEL))).values():
        assert set(component["headers"]) <= set(components["headers"])


def test_the_trail_s_headers_are_told_of() -> None:
    trail = Trail(model="m", attempts=2, fallback_reason="cut", degraded=True)
    assert set(trail_headers(trail)) == set(headers.TRAIL)


@pytest.mark.parametrize("value", ["", "a", "Maya Chen", "~" * 256])
def test_the_pattern_of_names_is_the_one_that_is_checked(value: str) -> None:
    assert name("X-User-ID", value) == (value or None)
    assert re.fullmatch(headers.NAMED["pattern"], value)


@pytest.mark.parametrize("value", ["~" * 257, "\u00e9", "a\tb"])
def test_what_it_refuses_is_refused(value: str) -> None:
    assert not re.fullmatch(headers.NAMED["pattern"], value)
    with pytest.raises(InvalidRequest):
        name("X-User-ID", value)

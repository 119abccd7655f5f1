"""A provider's error reply, as both lanes read it."""

from __future__ import annotations

import json

import pytest

from gateway.lanes.provider_error import provider_failure
from gateway.upstream.failures import Kind


def error(status: int, body: object, **headers: str) -> Kind:
    return provider_failure(status, headers, json.dumps(body).encode()).kind


def test_openai_s_and_google_s_codes_decide() -> None:
    assert error(404, {"error": {"code": "model_not_found", "message": "x"}}) is Kind.MODEL_GONE
    assert error(404, {"error": {"code": 404, "status": "NOT_FOUND"}}) is Kind.MODEL_GONE
    reason = {"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}
    assert error(400, reason) is Kind.BAD_KEY
    assert error(400, [reason]) is Kind.BAD_KEY


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"3", b'{"error": "text"}', b'{"error": {"message": {}}}', b"{"]
)
def test_any_body_is_an_error_of_its_status(body: bytes) -> None:
    failure = provider_failure(500, {}, body)
    assert (failure.kind, failure.status, failure.message, failure.code) == (Kind.SERVER_ERROR, 500, "", None)

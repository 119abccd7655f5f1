"""The ``X-Ivy-*`` headers of a request."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.double.client import Double
from tests.support.gateway import GatewayProcess

CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
ALONE = {"X-Ivy-Disable-Fallbacks": "true"}


def ask(
    gateway: GatewayProcess, headers: dict[str, str], path: str = "/v1/chat/completions", **more: Any
) -> httpx.Response:
    body = {**CHAT, **more} if path.startswith("/v1") else {"query": "hello"}
    return httpx.post(gateway.url + path, json=body, headers=headers, timeout=20)


def asked(provider: Double) -> set[str]:
    return {call["provider"] for call in provider.calls()}


@pytest.mark.parametrize("stream", [False, True])
def test_without_fallbacks_nobody_else_is_asked(gateway: GatewayProcess, provider: Double, stream: bool) -> None:
    provider.script("gemini", {"kind": "status", "status": 500}, then="repeat")
    assert ask(gateway, {}, stream=stream).headers["x-ivy-model"] == "gpt-4o-mini"
    provider.reset()
    provider.script("gemini", {"kind": "status", "status": 500}, then="repeat")
    assert ask(gateway, ALONE, stream=stream).status_code == 503
    assert asked(provider) == {"gemini"}


def test_without_fallbacks_a_stream_that_breaks_is_not_continued_by_another(
    lean: GatewayProcess, provider: Double
) -> None:
    provider.script("gemini", {"kind": "cut", "after_chunks": 3}, then="repeat")
    text = ask(lean, ALONE, stream=True).text
    assert asked(provider) == {"gemini"}
    assert "stream_broken" in text and "[DONE]" not in text


def test_without_fallbacks_a_well_model_answers_as_ever(lean: GatewayProcess, provider: Double) -> None:
    for model in ("default", "gpt-4o-mini"):
        reply = ask(lean, ALONE, model=model)
        assert (reply.status_code, reply.headers["x-ivy-attempts"]) == (200, "1")


@pytest.mark.parametrize("stream", [False, True])
def test_a_timeout_shortens_what_is_configured(gateway: GatewayProcess, provider: Double, stream: bool) -> None:
    provider.script("any", "silence", then="repeat")
    began = time.monotonic()
    reply = ask(gateway, {"X-Ivy-Timeout": "0.5"}, stream=stream)
    assert reply.status_code == 503
    assert time.monotonic() - began < 2, "the first token alone has 2 s here"


def test_with_time_for_one_only_the_next_model_still_answers(lean: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", "silence", then="repeat")
    reply = ask(lean, {"X-Ivy-Timeout": "1.5"})
    assert (reply.status_code, reply.headers["x-ivy-model"]) == (200, "gpt-4o-mini")


def test_a_timeout_that_is_longer_than_the_answer_changes_nothing(lean: GatewayProcess, provider: Double) -> None:
    for path in ("/v1/chat/completions", "/ai/router/v2"):
        assert ask(lean, {"X-Ivy-Timeout": "20", "X-Ivy-No-Cache": "true"}, path).status_code == 200


WRONG = [
    ("X-Ivy-Disable-Fallbacks", "yes"),
    ("X-Ivy-Disable-Fallbacks", ""),
    ("X-Ivy-No-Cache", "1"),
    ("X-Ivy-Timeout", "soon"),
    ("X-Ivy-Timeout", "0"),
    ("X-Ivy-Timeout", "-1"),
    ("X-Ivy-Timeout", "nan"),
    ("X-Ivy-Timeout", "inf"),
    ("X-Ivy-Timeout", "21"),
    ("X-Ivy-Timeout", ""),
]


@pytest.mark.parametrize(("header", "value"), WRONG)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ai/router/v2"])
def test_a_wrong_value_is_named_and_nobody_is_asked(
    lean: GatewayProcess, provider: Double, path: str, header: str, value: str
) -> None:
    reply = ask(lean, {header: value}, path)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, header)
    assert provider.calls() == []

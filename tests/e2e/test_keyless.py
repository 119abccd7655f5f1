"""A start without keys: the local model answers, and says so."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import jsonschema
import openai
import pytest

from tests.conftest import Start
from tests.support.gateway import ROOT, GatewayProcess, poll
from tests.support.ivy import NBA, ask

LOCAL = "local/smollm2-135m-instruct"
LEAD = {"lead": {"name": "Maya Chen", "status": "qualified", "leadScore": 82}}


@pytest.fixture(scope="module")
def keyless(start_shared: Start) -> GatewayProcess:
    """As it is shipped: the project's own litellm.yaml, with patience for a slow machine."""
    patience = {"first_token_seconds": 60, "attempt_seconds": {"v1": 60, "ivy": 60}}
    patience["request_seconds"] = {"v1": 120, "ivy": 120}
    return start_shared({"timeouts": patience}, models=None, keys=False)


def test_the_start_says_who_answers(keyless: GatewayProcess) -> None:
    assert LOCAL in keyless.greeting
    assert "DEMONSTRATION" in keyless.greeting
    assert "GEMINI_API_KEY" in keyless.greeting


def test_the_runbooks_three_calls(keyless: GatewayProcess) -> None:
    with keyless.client() as client:
        first = client.post("/ai/router/v2", json={"query": "test", "context": {}})
        second = client.post(
            "/ai/router/v2",
            json={"query": "Who should I speak to about Maya?", "context": LEAD},
            headers={"X-User-ID": "user-1"},
        )
        health = client.get("/ai/router/health")
    for reply in (first, second):
        assert reply.status_code == 200, reply.text
        assert reply.headers["x-ivy-model"] == LOCAL
        assert reply.headers["x-ivy-fallback-reason"] == "no_provider_key"
        envelope = reply.json()
        assert envelope["kind"] == "conversational"
        assert len(envelope["answer_markdown"].split()) >= 2
        assert envelope["actions"]
    assert health.status_code == 200
    assert health.json()["local_model"]["running"] is True


def test_the_debug_call_is_a_modal_that_fits_its_schema_every_time(keyless: GatewayProcess) -> None:
    schema = json.loads((ROOT / "config" / "schemas" / "suggestions.json").read_text())
    for number in range(5):
        lead = {"name": f"Maya Chen {'abcde'[number]}", "leadScore": 60 + number}
        reply = ask(keyless, query=NBA, context={"lead": lead})
        assert reply.status_code == 200, reply.text
        assert reply.json()["kind"] == "modal"
        jsonschema.validate(reply.json()["modal"]["payload"], schema)


@pytest.mark.parametrize(
    "body",
    [
        {"context": {"lead": {"name": "Maya Chen"}}},
        {"context": LEAD, "ui_capabilities": ["toasts"]},
    ],
)
def test_without_a_signal_or_a_screen_for_it_the_debug_call_is_conversational(
    keyless: GatewayProcess, body: dict[str, Any]
) -> None:
    envelope = ask(keyless, query=NBA, **body).json()
    assert envelope["kind"] == "conversational"
    assert envelope["answer_markdown"].strip()


def test_the_openai_client(keyless: GatewayProcess) -> None:
    with openai.OpenAI(base_url=f"{keyless.url}/v1", api_key="unused") as client:
        ask: dict[str, object] = {"model": "gemini-2.0-flash", "messages": [{"role": "user", "content": "Say hello."}]}
        plain = client.chat.completions.create(**ask, max_tokens=20)  # type: ignore[call-overload]
        assert plain.choices[0].message.content.strip()
        assert plain.model == LOCAL
        assert plain.usage.completion_tokens > 0
        with client.chat.completions.create(**ask, max_tokens=20, stream=True) as stream:  # type: ignore[call-overload]
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert text.strip()


def test_what_is_no_text_is_refused_and_costs_nobody_else(keyless: GatewayProcess) -> None:
    parts = [
        {"type": "text", "text": "what?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    with keyless.client() as client:
        for _ in range(6):
            body = {"model": "default", "messages": [{"role": "user", "content": parts}]}
            reply = client.post("/v1/chat/completions", json=body)
            assert (reply.status_code, reply.json()["error"]["param"]) == (400, "messages")
            assert "text only" in reply.json()["error"]["message"]
        health = client.get("/ai/router/health").json()
    assert {deployment["breaker"] for deployment in health["deployments"]} == {"closed"}


def test_what_the_local_model_can_not_do_says_which_key_is_missing(keyless: GatewayProcess) -> None:
    with keyless.client() as client:
        reply = client.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "x"})
    assert reply.status_code == 503
    assert "OPENAI_API_KEY is not set" in reply.json()["error"]["message"]


def test_the_local_model_goes_with_the_gateway(start: Start) -> None:
    gateway = start(models=None, keys=False)
    with gateway.client() as client:
        pid = client.get("/ai/router/health").json()["local_model"]["pid"]
    assert gateway.terminate() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_local_model_goes_with_a_gateway_that_is_killed(start: Start) -> None:
    gateway = start(models=None, keys=False)
    with gateway.client() as client:
        pid = client.get("/ai/router/health").json()["local_model"]["pid"]
    os.kill(gateway.pid, signal.SIGKILL)
    for _ in poll(5):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
    pytest.fail("the local model outlived its gateway")


def test_with_a_key_it_is_not_started(lean: GatewayProcess) -> None:
    with lean.client() as client:
        assert client.get("/ai/router/health").json()["local_model"] is None
    assert "gemini-2.0-flash, and gpt-4o-mini when it does not" in lean.greeting

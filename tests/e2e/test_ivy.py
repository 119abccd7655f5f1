"""The assistant's route through the running gateway."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess
from tests.support.sse import events

ACTIONS = {"open_call_console", "open_email_composer", "open_meeting_scheduler", "view_profile"}


def ask(gateway: GatewayProcess, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return httpx.post(f"{gateway.url}/ai/router/v2", json=body, headers=headers, timeout=20)


def test_the_envelope(gateway: GatewayProcess, provider: Double) -> None:
    reply = ask(gateway, query="[[say:Send an email, then call.]]", context={"lead": {"name": "Maya"}})
    assert reply.status_code == 200
    envelope = reply.json()
    assert envelope["kind"] == "conversational"
    assert envelope["answer_markdown"] == "Send an email, then call."
    assert [action["action"] for action in envelope["actions"]] == ["open_call_console", "open_email_composer"]
    assert envelope["sources"] == []
    assert "maybe_modal" not in envelope
    assert reply.headers["x-ivy-model"] == "gemini-2.0-flash"
    assert "x-request-id" in reply.headers


@pytest.mark.parametrize("how", ["body", "header"])
def test_streamed(gateway: GatewayProcess, provider: Double, how: str) -> None:
    headers = {"Accept": "text/event-stream"} if how == "header" else {}
    stream = {"stream": True} if how == "body" else {}
    reply = ask(gateway, headers, query="[[words:12]]", **stream)
    found = events(reply.text)
    assert found[0].name == "meta"
    assert found[0].json == {"kind": "conversational"}
    assert {event.name for event in found[1:-1]} == {"delta"}
    assert found[-1].name == "done"
    text = "".join(event.json["text"] for event in found[1:-1])
    assert found[-1].json["answer_markdown"] == text == " ".join(f"w{n}" for n in range(1, 13))
    assert {action["action"] for action in found[-1].json["actions"]} <= ACTIONS


def test_a_broken_stream_is_one_whole_answer(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "error_event", "after_chunks": 3}, then="repeat")
    found = events(ask(gateway, query="[[words:12]]", stream=True).text)
    assert [found[0].name, found[-1].name] == ["meta", "done"]
    whole = " ".join(f"w{number}" for number in range(1, 13))
    assert found[-1].json["answer_markdown"] == whole
    assert "".join(event.json["text"] for event in found if event.name == "delta") == whole


def test_where_nobody_can_go_on_it_ends_with_an_error_event(gateway: GatewayProcess, provider: Double) -> None:
    provider.script("gemini", {"kind": "stall", "after_chunks": 3}, then="repeat")
    provider.script("openai", {"kind": "status", "status": 503}, then="repeat")
    found = events(ask(gateway, query="[[words:12]]", stream=True).text)
    assert found[-1].name == "error"
    assert found[-1].json["error"]["code"] == "stream_broken"
    assert "done" not in {event.name for event in found}


def test_the_context_is_sent_as_data_under_the_prompt(gateway: GatewayProcess, provider: Double) -> None:
    ask(gateway, query="Who is it?", context={"lead": {"name": "Maya Chen"}, "conversation_id": "c1"})
    (call,) = provider.calls()
    system = call["body"]["system_instruction"]["parts"][0]["text"]
    user = call["body"]["contents"][0]["parts"][0]["text"]
    assert system.startswith("You are Ivy")
    assert user.startswith("Who is it?")
    assert "Maya Chen" in user.partition("BEGIN DATA")[2].partition("END DATA")[0]
    assert "c1" not in user


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "query", "missing_required_parameter"),
        ({"query": "  "}, "query", "invalid_value"),
        ({"query": 5}, "query", "invalid_type"),
        ({"query": "x", "context": []}, "context", "invalid_type"),
        ({"query": "x", "ui_capabilities": "modals"}, "ui_capabilities", "invalid_type"),
        ({"query": "x", "model": "gpt-4o-mini"}, "model", "unknown_parameter"),
        ({"query": "x", "context": {"conversation_history": [{"role": "x"}]}}, None, None),
    ],
)
def test_bad_questions(
    lean: GatewayProcess, provider: Double, body: dict[str, Any], param: str | None, code: str | None
) -> None:
    reply = ask(lean, **body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert (error["param"], error["code"]) == (param, code) or param is None
    assert provider.calls() == []


def test_the_environment_reverses_the_two_models(start: Start, provider: Double) -> None:
    gateway = start(env={"AI_MODEL_PROVIDER": "openai"})
    assert ask(gateway, query="hello").headers["x-ivy-model"] == "gpt-4o-mini"
    provider.script("openai", {"kind": "status", "status": 500}, then="repeat")
    reply = ask(gateway, query="hello")
    assert reply.headers["x-ivy-model"] == "gemini-2.0-flash"
    assert reply.headers["x-ivy-fallback-reason"] == "server_error"
    health = httpx.get(f"{gateway.url}/ai/router/health").json()
    assert (health["primary"], health["fallback"]) == ("gpt-4o-mini", "gemini-2.0-flash")


def test_a_missing_key_of_the_primary_is_a_fallback(start: Start, provider: Double) -> None:
    gateway = start(env={"GEMINI_API_KEY": ""})
    reply = ask(gateway, query="hello")
    assert reply.headers["x-ivy-model"] == "gpt-4o-mini"
    assert reply.headers["x-ivy-fallback-reason"] == "no_provider_key"
    assert "GEMINI_API_KEY is not set" in gateway.stderr()


def test_a_retired_model_is_an_error_in_the_log_and_is_set_aside(start: Start, provider: Double) -> None:
    gateway = start()
    provider.script("gemini", {"kind": "model_not_found"}, then="repeat")
    assert ask(gateway, query="hello").headers["x-ivy-fallback-reason"] == "model_not_found"
    assert ask(gateway, query="hello").headers["x-ivy-fallback-reason"] == "set_aside"
    assert len(provider.calls("gemini")) == 1
    (line,) = [line for line in gateway.log("model_call") if line["outcome"] == "model_not_found"]
    assert line["level"] == "ERROR"
    assert re.search(r"litellm\.yaml:\d+: 'gemini-2\.0-flash' is gone", line["advice"])

"""With every provider down, through the running gateway: the assistant still answers, and OpenAI's routes say so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, models
from tests.support.ivy import ACTIONS, LEAD, NBA, ask, told, user

DOWN: dict[str, Any] = {"kind": "status", "status": 503}
LIMITED: dict[str, Any] = {"kind": "status", "status": 429}
#: By the status that OpenAI's routes answer with.
FAULTS: list[tuple[dict[str, Any], int]] = [
    (DOWN, 503),
    (LIMITED, 429),
    ({"kind": "silence"}, 503),
    ({"kind": "reset"}, 503),
    ({"kind": "not_json"}, 503),
]
QUERY = "How is she doing?"
CONTEXT = {"lead": {**LEAD, "company": "Harbour & Sons"}, "forecast": {"stage": "proposal"}}
FACTS = [
    "- Lead: Maya Chen",
    "- Company: Harbour & Sons",
    "- Status: qualified",
    "- Lead score: 82",
    "- Forecast: stage: proposal",
]
CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
_users = iter(range(10**6))


@pytest.fixture
def ann() -> dict[str, str]:
    """A user whom no test has had before."""
    return user(f"offline{next(_users)}")


@pytest.fixture(scope="module")
def refused(start_shared: Start) -> Iterator[GatewayProcess]:
    """A gateway whose providers' address refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and never listens
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        yield start_shared(models=models(address, f"{address}/v1"))


def assert_offline(reply: httpx.Response, text: str) -> None:
    """The reply says that no model answered, and what the context holds."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["x-ivy-degraded"] == "true"
    assert "x-ivy-model" not in reply.headers
    assert "can't reach any model" in text and "again" in text
    assert [line for line in text.split("\n") if line.startswith("- ")] == FACTS


def assert_every_route_says_so(gateway: GatewayProcess, headers: dict[str, str], status: int) -> None:
    plain = ask(gateway, headers, query=QUERY, context=CONTEXT)
    envelope = plain.json()
    assert set(envelope) == {"kind", "answer_markdown", "actions", "sources"}
    assert envelope["kind"] == "conversational"
    assert envelope["actions"] and {action["action"] for action in envelope["actions"]} <= ACTIONS
    assert_offline(plain, envelope["answer_markdown"])

    streamed = ask(gateway, headers, query=QUERY, context=CONTEXT, stream=True)
    assert_offline(streamed, envelope["answer_markdown"])
    events = told(gateway, headers, query=QUERY, context=CONTEXT)
    assert [event.name for event in events] == ["meta", "delta", "done"]
    assert events[0].json == {"kind": "conversational"}
    assert events[1].json["text"] == events[2].json["answer_markdown"] == envelope["answer_markdown"]
    assert events[2].json["actions"] == envelope["actions"]

    legacy = ask(gateway, headers, path="", query=QUERY, context=CONTEXT)
    assert set(legacy.json()) == {"answer_markdown", "actions", "sources", "confidence", "intent", "session_id"}
    assert_offline(legacy, legacy.json()["answer_markdown"])

    for stream in (False, True):
        reply = httpx.post(f"{gateway.url}/v1/chat/completions", json={**CHAT, "stream": stream}, timeout=30)
        assert reply.status_code == status
        assert int(reply.headers["retry-after"]) >= 1
        assert set(reply.json()) == {"error"}
        assert "x-ivy-degraded" not in reply.headers


@pytest.mark.parametrize(("fault", "status"), FAULTS, ids=[str(fault) for fault, _ in FAULTS])
def test_with_every_provider_down_the_assistant_says_what_is_known(
    lean: GatewayProcess, provider: Double, ann: dict[str, str], fault: dict[str, Any], status: int
) -> None:
    provider.script("any", fault, then="repeat")
    assert_every_route_says_so(lean, ann, status)


def test_the_same_in_litellm_s_lane(full: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    provider.script("any", DOWN, then="repeat")
    assert_every_route_says_so(full, ann, 503)


def test_the_same_where_connections_are_refused(refused: GatewayProcess, ann: dict[str, str]) -> None:
    assert_every_route_says_so(refused, ann, 503)


def test_without_facts_there_is_nothing_but_the_sentence(
    lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    provider.script("any", DOWN, then="repeat")
    text = ask(lean, ann, query="What is the lead score of Maya Chen?").json()["answer_markdown"]
    assert "can't reach any model" in text and text.endswith(".")
    assert "\n" not in text and "Maya" not in text


def test_a_question_s_buttons_come_all_the_same(lean: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    provider.script("any", DOWN, then="repeat")
    reply = ask(lean, ann, query="Draft an email to her", context={"lead": {**LEAD, "aiInsights": ["Call her"]}})
    assert [action["action"] for action in reply.json()["actions"]] == ["open_email_composer"]


def test_a_private_question_is_declined_as_ever(lean: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    provider.script("any", DOWN, then="repeat")
    reply = ask(lean, ann, query="Is she married?", context=CONTEXT)
    assert "private life" in reply.json()["answer_markdown"]
    assert "x-ivy-degraded" not in reply.headers


def test_the_next_request_after_it_is_a_model_s_and_the_memory_holds_no_other(
    start: Start, provider: Double, ann: dict[str, str]
) -> None:
    gateway = start()
    ask(gateway, ann, query="[[say:Well.]] And Maya?", context=CONTEXT)
    provider.script("any", DOWN, then="repeat")
    for stream in (False, True):
        reply = ask(gateway, ann, query="And today?", context=CONTEXT, stream=stream)
        assert reply.headers["x-ivy-degraded"] == "true"
    ask(gateway, ann, query=NBA, context=CONTEXT)
    provider.reset()
    reply = ask(gateway, ann, query="[[say:Better.]] And now?", context=CONTEXT)
    assert (reply.json()["answer_markdown"], reply.headers["x-ivy-model"]) == ("Better.", "gemini-2.0-flash")
    assert "x-ivy-degraded" not in reply.headers
    (kept,) = httpx.get(f"{gateway.url}/ai/memory", headers=ann).json()["conversations"]
    answers = [turn["assistant"] for turn in kept["turns"]]
    assert (answers[0], answers[-1], len(answers)) == ("Well.", "Better.", 3)  # with the modal's words
    assert not any("can't reach" in answer for answer in answers)
    replies = httpx.get(f"{gateway.url}/ai/router/health").json()["replies"]
    assert (replies["conversational"], replies["modal"], replies["payload_from"]) == (4, 1, {"context": 1})


def test_a_stream_that_breaks_is_no_offline_reply(lean: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    provider.script("gemini", {"kind": "cut", "after_chunks": 2}, DOWN, then="repeat")
    provider.script("openai", DOWN, then="repeat")
    query = "[[say:This answer is long enough for a number of chunks, so that it can break.]]"
    reply = ask(lean, ann, query=query, context=CONTEXT, stream=True)
    assert reply.headers["x-ivy-model"] == "gemini-2.0-flash"
    assert "x-ivy-degraded" not in reply.headers
    assert "event: error" in reply.text and "event: done" not in reply.text
    assert "can't reach" not in reply.text


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_is_wrong_with_the_request_is_told(
    lean: GatewayProcess, provider: Double, ann: dict[str, str], stream: bool
) -> None:
    body = {"error": {"message": "Bad request", "type": "invalid_request_error", "code": "invalid_value"}}
    provider.script("any", {"kind": "status", "status": 400, "body": body}, then="repeat")
    reply = ask(lean, ann, query=QUERY, context=CONTEXT, stream=stream)
    assert reply.status_code == 400
    assert "x-ivy-degraded" not in reply.headers

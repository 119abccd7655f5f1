"""Organic memory through the running gateway: what goes along, what is kept, and what is not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, poll
from tests.support.ivy import LEAD, NBA, ask, asked, sent, told, user

_users = iter(range(10**6))


@pytest.fixture
def ann() -> dict[str, str]:
    """A user whom no test has had before."""
    return user(f"ann{next(_users)}", "acme")


def kept(gateway: GatewayProcess, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{gateway.url}/ai/memory", headers=headers).json()["conversations"]
    return found


def turns(gateway: GatewayProcess, headers: dict[str, str]) -> list[tuple[str, str]]:
    return [(turn["user"], turn["assistant"]) for one in kept(gateway, headers) for turn in one["turns"]]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_the_second_turn_knows_the_first(
    gateway: GatewayProcess, provider: Double, ann: dict[str, str], streamed: bool
) -> None:
    first = told if streamed else ask
    first(gateway, ann, query="[[say:Maya is a lead.]] Who is Maya?")
    ask(gateway, ann, query="Since when?")
    assert asked(provider) == ["[[say:Maya is a lead.]] Who is Maya?", "Maya is a lead.", "Since when?"]
    assert [message["role"] for message in sent(provider)] == ["system", "user", "assistant", "user"]


def test_the_fallback_knows_what_the_primary_was_told(
    gateway: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    assert ask(gateway, ann, query="[[say:In May.]] Since when?").headers["x-ivy-model"] == "gemini-2.0-flash"
    provider.script("gemini", {"kind": "status", "status": 503}, then="repeat")
    reply = ask(gateway, ann, query="And before?")
    assert reply.headers["x-ivy-model"] == "gpt-4o-mini"
    assert asked(provider)[:2] == ["[[say:In May.]] Since when?", "In May."]


def test_a_modal_is_remembered_in_words(lean: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    envelope = ask(lean, ann, query=NBA, context={"lead": LEAD}).json()
    ((question, answer),) = turns(lean, ann)
    assert question == NBA
    assert envelope["modal"]["payload"]["modal_title"] in answer


def test_users_organisations_and_conversations_are_apart(lean: GatewayProcess, provider: Double) -> None:
    name = f"bob{next(_users)}"
    identities = [
        user(name),
        user(name, "acme"),
        user(name, "acme", "c1"),
        user(name, "acme", "c2"),
        user(f"{name}x", "acme", "c1"),
    ]
    for number, identity in enumerate(identities):
        ask(lean, identity, query=f"[[say:answer-{number}]] question-{number}")
    for number, identity in enumerate(identities):
        ask(lean, identity, query="again")
        assert asked(provider) == [f"[[say:answer-{number}]] question-{number}", f"answer-{number}", "again"]


def test_the_conversation_s_id_may_stand_in_the_context(
    lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    ask(lean, ann, query="[[say:first]] one", context={"conversation_id": "c9"})
    ask(lean, {**ann, "X-Conversation-ID": "c9"}, query="two")
    assert "first" in asked(provider)
    ask(lean, ann, query="three")
    assert asked(provider) == ["three"]


def test_without_a_user_nothing_is_remembered(lean: GatewayProcess, provider: Double) -> None:
    before = httpx.get(f"{lean.url}/ai/router/health").json()["memory"]
    for headers in ({}, {"X-Conversation-ID": "c1"}, {"X-Org-ID": "acme"}):
        ask(lean, headers, query="one")
        ask(lean, headers, query="two")
        assert asked(provider) == ["two"]
    assert httpx.get(f"{lean.url}/ai/router/health").json()["memory"] == before


def test_a_caller_s_own_history_stands_in_for_what_is_kept(
    lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    ask(lean, ann, query="[[say:kept]] one")
    history = [{"role": "user", "content": "their question"}, {"role": "assistant", "content": "their answer"}]
    ask(lean, ann, query="two", context={"conversation_history": history})
    assert asked(provider) == ["their question", "their answer", "two"]


@pytest.mark.parametrize("fault", [{"kind": "error_event", "after_chunks": 3}, {"kind": "stall", "after_chunks": 3}])
def test_a_broken_answer_leaves_no_half_turn(
    lean: GatewayProcess, provider: Double, ann: dict[str, str], fault: dict[str, Any]
) -> None:
    provider.script("any", fault, then="repeat")
    assert told(lean, ann, query="[[words:12]]")[-1].name == "error"
    assert kept(lean, ann) == []


def test_an_answer_that_was_left_leaves_no_half_turn(
    lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    provider.settings(chunk_interval_ms=50)
    body = {"query": "[[words:100]]", "stream": True}
    with httpx.stream("POST", f"{lean.url}/ai/router/v2", json=body, headers=ann) as reply:
        next(reply.iter_raw())
    for _ in poll(5):
        if provider.calls()[-1]["outcome"] != "open":
            break
    assert kept(lean, ann) == []


def test_a_user_can_see_and_forget_what_is_kept(lean: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    ask(lean, ann, query="[[say:yes]] one")
    ask(lean, {**ann, "X-Conversation-ID": "c1"}, query="[[say:no]] two")
    assert sorted(turns(lean, ann)) == [("[[say:no]] two", "no"), ("[[say:yes]] one", "yes")]
    assert httpx.delete(f"{lean.url}/ai/memory", headers=ann).json()["forgotten"] == 2
    assert kept(lean, ann) == []
    ask(lean, ann, query="three")
    assert asked(provider) == ["three"]


def test_only_the_administrator_s_key_may_name_a_user(start: Start, lean: GatewayProcess, provider: Double) -> None:
    gateway = start(env={"GATEWAY_MASTER_KEY": "the-administrator-s-key"})
    key = {"Authorization": "Bearer the-administrator-s-key"}
    ask(gateway, {**key, **user("ann", "acme")}, query="[[say:yes]] one")
    shown = httpx.get(f"{gateway.url}/ai/memory?user=ann&org=acme", headers=key).json()
    assert shown["conversations"][0]["turns"] == [{"user": "[[say:yes]] one", "assistant": "yes"}]
    assert httpx.delete(f"{gateway.url}/ai/memory?user=ann&org=acme", headers=key).json()["forgotten"] == 1
    assert httpx.get(f"{gateway.url}/ai/memory?user=ann").status_code == 401
    refused = httpx.get(f"{lean.url}/ai/memory?user=ann", headers=user("bob"))
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "user")


def test_other_methods_are_told_which_there_are(lean: GatewayProcess) -> None:
    reply = httpx.put(f"{lean.url}/ai/memory", headers=user("ann"))
    assert reply.status_code == 405
    assert {"GET", "DELETE"} <= set(reply.headers["allow"].split(", "))


def test_a_long_answer_can_be_asked_to_be_made_shorter(
    lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    ask(lean, ann, query="[[words:3000]]")
    ask(lean, ann, query="shorter, please")
    question, answer, _ = asked(provider)
    assert (question, answer[:8], answer[-1]) == ("[[words:3000]]", "w1 w2 w3", "…")


MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "[[say:In May.]] Since when?"}]


def chat(gateway: GatewayProcess, headers: dict[str, str], messages: list[Any], **more: Any) -> httpx.Response:
    body = {"model": "default", "messages": messages, **more}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_on_v1_memory_applies_where_a_conversation_is_named(
    gateway: GatewayProcess, provider: Double, ann: dict[str, str], stream: bool
) -> None:
    named = {**ann, "X-Conversation-ID": "v1"}
    chat(gateway, named, MESSAGES, stream=stream)
    chat(gateway, named, [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "And before?"}])
    assert [message["content"] for message in sent(provider)] == [
        "Be brief.",
        "[[say:In May.]] Since when?",
        "In May.",
        "And before?",
    ]


def test_on_v1_messages_pass_untouched_otherwise(lean: GatewayProcess, provider: Double, ann: dict[str, str]) -> None:
    for _ in range(2):
        chat(lean, ann, MESSAGES)
        assert sent(provider) == MESSAGES
    assert kept(lean, ann) == []


def test_what_is_shared_between_the_two_surfaces_is_the_conversation(
    lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    named = {**ann, "X-Conversation-ID": "both"}
    chat(lean, named, MESSAGES)
    ask(lean, named, query="And before?")
    assert asked(provider)[1:] == ["In May.", "And before?"]


@pytest.fixture(scope="module")
def organic_off(start_shared: Start) -> GatewayProcess:
    return start_shared(env={"IVY_ORGANIC_ENABLED": "false"})


def test_with_the_flag_off_nothing_is_added_and_nothing_is_kept(
    organic_off: GatewayProcess, lean: GatewayProcess, provider: Double, ann: dict[str, str]
) -> None:
    ask(lean, ann, query="one")
    assert "Asked:" in sent(provider)[0]["content"]  # so that its absence below means something
    history = [{"role": "user", "content": "their question"}, {"role": "assistant", "content": "their answer"}]
    for number in range(3):
        ask(organic_off, ann, query=f"question {number}", context={"conversation_history": history})
        assert asked(provider) == [f"question {number}"]
        assert "Asked:" not in sent(provider)[0]["content"]
    named = {**ann, "X-Conversation-ID": "v1"}
    chat(organic_off, named, MESSAGES)
    chat(organic_off, named, MESSAGES)
    assert sent(provider) == MESSAGES
    assert kept(organic_off, ann) == []
    health = httpx.get(f"{organic_off.url}/ai/router/health").json()
    assert (health["memory"]["conversations"], health["flags"]["organic_enabled"]) == (0, False)


def test_health_tells_how_much_is_kept(start: Start, provider: Double) -> None:
    gateway = start({"memory": {"max_bytes": 1_000_000}})
    for number in range(20):
        ask(gateway, user(f"u{number}"), query=f"[[say:{'x' * 1000}]] {number}")
    memory = httpx.get(f"{gateway.url}/ai/router/health").json()["memory"]
    assert (memory["conversations"], memory["max_bytes"]) == (20, 1_000_000)
    assert 20_000 < memory["bytes"] < 100_000

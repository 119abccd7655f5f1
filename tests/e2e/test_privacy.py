"""What is nobody's business here, and what no provider and no log sees, through the running gateway."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
import yaml

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import ROOT, GatewayProcess
from tests.support.ivy import ACTIONS, LEAD, ask, sent, told, user

PRIVATE = ["Is Maya married?", "does she have children?", "What is her religion?"]


@pytest.mark.parametrize("query", PRIVATE)
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_a_question_about_a_private_life_is_declined_without_a_provider(
    lean: GatewayProcess, provider: Double, query: str, streamed: bool
) -> None:
    body: dict[str, Any] = {"query": query, "context": {"lead": LEAD}}
    if streamed:
        found = told(lean, **body)
        assert [event.name for event in found] == ["meta", "delta", "done"]
        envelope = found[-1].json
        assert found[1].json["text"] == envelope["answer_markdown"]
    else:
        reply = ask(lean, user("carol"), **body)
        envelope = reply.json()
        assert reply.status_code == 200
        assert not {"x-ivy-model", "x-ivy-degraded"} & set(reply.headers)
    assert envelope["kind"] == "conversational"
    assert envelope["answer_markdown"].strip()
    assert envelope["actions"] and {action["action"] for action in envelope["actions"]} <= ACTIONS
    assert provider.calls() == []


def test_it_is_not_remembered(lean: GatewayProcess, provider: Double) -> None:
    ask(lean, user("dora"), query=PRIVATE[0])
    assert httpx.get(f"{lean.url}/ai/memory", headers=user("dora")).json()["conversations"] == []


def test_a_legacy_caller_is_declined_in_the_legacy_shape(lean: GatewayProcess, provider: Double) -> None:
    legacy = ask(lean, path="", query=PRIVATE[0]).json()
    assert legacy["answer_markdown"].strip() and legacy["actions"]
    assert provider.calls() == []


def test_on_v1_nothing_is_declined(lean: GatewayProcess, provider: Double) -> None:
    body = {"model": "default", "messages": [{"role": "user", "content": PRIVATE[0]}]}
    assert httpx.post(f"{lean.url}/v1/chat/completions", json=body).status_code == 200
    assert len(provider.calls()) == 1


ADDRESS, PHONE, CUSTOMER = "maya.chen@example.com", "+44 20 7946 0958", "CUST-004711"
TEXT = f"Write to {ADDRESS} or ring {PHONE} about {CUSTOMER}."
HIDING = {"privacy": {"identifiers": {"customer": r"CUST-\d{6}"}}}


def hiding(*kinds: str) -> dict[str, Any]:
    policies = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())["policies"]
    for policy in policies:
        if policy["name"] == "redaction":
            policy["options"] = {"hide": list(kinds)}
    return {**HIDING, "policies": policies}


@pytest.fixture(scope="module")
def discreet(start_shared: Start) -> GatewayProcess:
    return start_shared(hiding("email", "phone", "customer"))


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("provider_name", ["gemini", "openai"])
def test_what_is_hidden_from_providers_is_restored_in_the_reply(
    discreet: GatewayProcess, provider: Double, streamed: bool, provider_name: str
) -> None:
    if provider_name == "openai":
        provider.script("gemini", {"kind": "status", "status": 500}, then="repeat")
    body: dict[str, Any] = {"query": f"[[say:{TEXT}]]", "context": {"lead": {"email": ADDRESS, "phone": PHONE}}}
    envelope = told(discreet, **body)[-1].json if streamed else ask(discreet, **body).json()
    assert envelope["answer_markdown"] == TEXT
    for call in provider.calls():
        for hidden in (ADDRESS, PHONE, CUSTOMER):
            assert hidden not in str(call["body"])
    assert "[EMAIL_1]" in str(sent(provider))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_on_v1_too(discreet: GatewayProcess, provider: Double, stream: bool) -> None:
    with openai.OpenAI(base_url=f"{discreet.url}/v1", api_key="unused") as client:
        ask_: Any = {"model": "default", "messages": [{"role": "user", "content": f"[[say:{TEXT}]]"}]}
        if stream:
            chunks = client.chat.completions.create(**ask_, stream=True)
            answer = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        else:
            answer = client.chat.completions.create(**ask_).choices[0].message.content
    assert answer == TEXT
    assert ADDRESS not in str(provider.calls()[-1]["body"])


def test_without_that_configuration_a_provider_is_sent_what_was_asked(lean: GatewayProcess, provider: Double) -> None:
    ask(lean, query=f"[[say:{TEXT}]]")
    assert ADDRESS in str(sent(provider))


def test_no_log_line_holds_personal_data_or_texts(discreet: GatewayProcess, provider: Double) -> None:
    headers = {"X-User-ID": ADDRESS, "X-Org-ID": CUSTOMER, "X-Conversation-ID": PHONE}
    ask(discreet, headers, query=f"[[say:{TEXT}]]", context={"lead": {"email": ADDRESS}})
    provider.script("any", {"kind": "status", "status": 400}, then="repeat")
    ask(discreet, headers, query=f"{TEXT}")
    log = (discreet.folder / "logs" / "ai_router.log").read_text() + discreet.stderr()
    assert "[email]" in log and "[customer]" in log
    for private in (ADDRESS, PHONE, CUSTOMER, "Write to"):
        assert private not in log

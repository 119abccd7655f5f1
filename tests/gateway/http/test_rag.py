from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from gateway.contract import Call, Chunk, Identity, NotFound, Operation, Policy, Surface, Wanted
from gateway.engine import Engine
from gateway.http import rag
from gateway.pipeline import Pipeline, Step
from gateway.retrieval.knowledge import ServedKnowledge
from gateway.settings.schema import KnowledgeBase
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import FakeUpstream, piece

ANN = Identity("127.0.0.1", "ann")
SOURCE = {
    "title": "Discounts",
    "preview": "Over 15%",
    "content": "Over 15% a manager approves.",
    "document_type": "policy",
    "category": "sales",
    "similarity_score": 0.92,
}
SHOWN = {key: value for key, value in SOURCE.items() if key != "preview"}


def engine(*names: str) -> Engine:
    steps = [Step(name, Policy()) for name in names]
    pipeline = Pipeline(steps, FakeUpstream(), Lines())
    knowledge = ServedKnowledge(KnowledgeBase(store="nowhere", embeddings="none"), {}, Lines())
    return cast(Engine, SimpleNamespace(pipeline=pipeline, knowledge=knowledge))


def parse(**body: Any) -> Call:
    return rag.parse(engine("prompt", "knowledge"), scope(request_id="req_1"), {"query": "why?", **body}, ANN)


def test_a_question_is_one_for_the_knowledge_base_and_never_a_modal() -> None:
    call = parse()
    assert (call.surface, call.operation, call.model) == (Surface.IVY, Operation.CHAT, "default")
    assert (call.identity, call.stream) == (ANN, False)
    assert call.question is not None
    assert call.question.wanted == Wanted(limit=5, json_mode=False, categories=frozenset())
    assert not call.question.takes_modals


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"limit": 7, "json_mode": True}, Wanted(7, True)),
        ({"limit": None, "json_mode": None, "context": None}, Wanted()),
        ({"context": {"category": "a"}}, Wanted(categories=frozenset("a"))),
        ({"context": {"category": "a", "categories": ["b", "a", ""]}}, Wanted(categories=frozenset("ab"))),
    ],
)
def test_what_is_wanted_of_it(body: dict[str, Any], wanted: Wanted) -> None:
    call = parse(**body)
    assert call.question is not None
    assert call.question.wanted == wanted


def test_the_conversation_and_the_context_go_along() -> None:
    call = parse(context={"conversation_id": "c1", "lead": {"name": "Maya"}})
    assert call.identity.conversation == "c1"
    assert call.question is not None
    assert call.question.context["lead"] == {"name": "Maya"}


def test_without_the_policy_there_is_no_knowledge_base() -> None:
    with pytest.raises(NotFound) as caught:
        rag.parse(engine("prompt"), scope(request_id="req_1"), {"query": "why?"}, ANN)
    assert caught.value.code == "no_knowledge_base"


async def rendered(*steps: Chunk, **body: Any) -> Sent:
    sent, call = Sent(), parse(**body)
    async with Pipeline((), FakeUpstream(*steps), Lines()).run(call) as answer:
        await rag.render(call, answer, lambda: {"X-Ivy-Degraded": str(call.trail.degraded)}, sent)
    return sent


RETRIEVAL = {"milliseconds": 7.5, "confidence": 0.92}


async def test_the_reply() -> None:
    sent = await rendered(piece("A manager [1]."), Chunk.saying("", {"sources": [SOURCE], "retrieval": RETRIEVAL}))
    assert sent.json == {
        "answer": "A manager [1].",
        "sources": [SHOWN],
        "metadata": {"query_time_ms": 7.5, "sources_found": 1, "confidence": 0.92},
    }


async def test_no_more_sources_than_are_wanted() -> None:
    notes = {"sources": [SOURCE] * 20, "retrieval": RETRIEVAL}
    for limit in (1, 5, 20):
        made = (await rendered(Chunk.saying("x", notes), limit=limit)).json
        assert (len(made["sources"]), made["metadata"]["sources_found"]) == (limit, limit)


async def test_an_object_where_one_is_wanted() -> None:
    made = {"answer": "x", "key_points": [], "citations": [], "found": True}
    assert (await rendered(Chunk.saying("x", {"answer": made}), json_mode=True)).json["answer"] == made
    assert (await rendered(Chunk.saying("x", {"answer": made}))).json["answer"] == "x"


async def test_what_another_policy_answered_has_the_same_shape() -> None:
    assert (await rendered(piece("I keep to business."))).json == {
        "answer": "I keep to business.",
        "sources": [],
        "metadata": {"query_time_ms": 0.0, "sources_found": 0, "confidence": 0.0},
    }
    made = (await rendered(piece("I keep to business."), json_mode=True)).json["answer"]
    assert made == {"answer": "I keep to business.", "key_points": [], "citations": [], "found": False}


async def test_an_answer_that_no_provider_gave_is_marked() -> None:
    sent = await rendered(Chunk.saying("x", {"degraded": True}))
    assert sent.headers["x-ivy-degraded"] == "True"


async def test_the_health_of_a_knowledge_base_that_is_not_there() -> None:
    response = await rag.RagHealth(lambda: engine("knowledge"))(Request(scope("GET", "/rag/health")))
    body = json.loads(bytes(response.body))
    assert (body["status"], body["documents"], body["mode"], body["store"]) == ("empty", 0, "text", "folder")
    assert "make ingest" in body["reasons"][0]

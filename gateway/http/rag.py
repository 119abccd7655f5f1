"""The knowledge base's routes.

``POST /rag/query``  an answer from the knowledge base, or a gap; never from anything else, and not streamed
``GET /rag/health``  what the knowledge base holds, and how it is searched
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope, Send

from gateway.contract import Call, Identity, NotFound, Wanted
from gateway.engine import Engine
from gateway.http import schema
from gateway.http.assistant import question_call
from gateway.http.endpoint import Headers
from gateway.http.gathered import Gathered
from gateway.http.reply import send_json
from gateway.pipeline import Answer
from gateway.retrieval.health import report

Json = dict[str, Any]
#: The policy that answers.
POLICY = "knowledge"
SOURCE = ("title", "content", "document_type", "category", "similarity_score")
NO_RETRIEVAL: Json = {"milliseconds": 0.0, "confidence": 0.0}


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /rag/query``. Raises NotFound where the policy is not listed: a model alone must not answer."""
    schema.check(schema.KNOWLEDGE, body)
    if all(step.name != POLICY for step in engine.pipeline.steps):
        message = f"There is no knowledge base here: 'policies' in config/gateway.yaml does not list {POLICY!r}."
        raise NotFound(message, code="no_knowledge_base")
    call = question_call(scope, body, identity)
    assert call.question is not None
    wanted = Wanted(body.get("limit") or Wanted().limit, bool(body.get("json_mode")), _categories(body))
    return replace(call, question=replace(call.question, ui_capabilities=frozenset(), wanted=wanted))


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """``{"answer": str | object, "sources": [...], "metadata": {"query_time_ms", "sources_found", "confidence"}}``."""
    reply = await Gathered.whole(answer)
    assert call.question is not None
    assert call.question.wanted is not None
    wanted, notes = call.question.wanted, reply.notes
    text = reply.text()
    retrieval = notes.get("retrieval", NO_RETRIEVAL)
    sources = [{key: source[key] for key in SOURCE} for source in notes.get("sources", ())[: wanted.limit]]
    metadata = {
        "query_time_ms": retrieval["milliseconds"],
        "sources_found": len(sources),
        "confidence": retrieval["confidence"],
    }
    said = notes.get("answer", _unsourced(text)) if wanted.json_mode else text
    await send_json(send, {"answer": said, "sources": sources, "metadata": metadata}, headers=headers())


class RagHealth:
    """``engine`` gives what is in force when the request comes."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine

    async def __call__(self, request: Request) -> JSONResponse:
        """``GET /rag/health``."""
        del request
        return JSONResponse(await report(self._engine().knowledge, time.time()))


def _categories(body: Json) -> frozenset[str]:
    context = body.get("context") or {}
    return frozenset(name for name in (context.get("category"), *(context.get("categories") or ())) if name)


def _unsourced(text: str) -> Json:
    """The object of what another policy answered, such as a refusal."""
    return {"answer": text, "key_points": [], "citations": [], "found": False}

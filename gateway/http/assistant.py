"""The Ivy routes: parse a question into a Call, render its answer as an envelope.

``POST /ai/router/v2``  a conversational or a modal envelope, or its events
``POST /ai/router/``    the legacy v1 shape, always conversational

Body: ``{"query": str, "context"?: object, "ui_capabilities"?: [str], "stream"?: bool}``.

What is answered is the policies' doing; this module knows the shapes only. To add to it (README, "Adding to it", has
an example of each that a test carries out):

a rule         an entry in ``config/rules.yaml``: a modal type and the phrases that ask for it
a modal type   a JSON Schema in ``config/schemas/``; an entry in ``config/modals.yaml`` with an instruction for the
               model and a payload made of the context alone; a rule
an action      an entry in ``config/actions.yaml``: its label, the words that speak of it, its other spellings
a policy       a class in ``policies/`` with a request and a response hook; its name in ``policies/__init__.py``;
               its place in ``config/gateway.yaml``
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from starlette.datastructures import Headers as RequestHeaders
from starlette.types import Scope, Send

from gateway.contract import (
    DEFAULT_MODEL,
    Call,
    Identity,
    InvalidRequest,
    Operation,
    Question,
    Surface,
)
from gateway.engine import Engine
from gateway.http import schema, sse
from gateway.http.endpoint import Headers
from gateway.http.gathered import Gathered
from gateway.http.reply import send_json
from gateway.pipeline import Answer
from gateway.tally import Tally

Json = dict[str, Any]
MOST_SOURCES = 3
SOURCE = ("title", "preview", "document_type", "category", "similarity_score")
NO_INTENT, NO_CONFIDENCE = "general", 0.5


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /ai/router/v2``. Without a policy that says otherwise the query is the one message."""
    schema.check(schema.QUESTION, body)
    call = question_call(scope, body, identity)
    assert call.question is not None
    if _share(identity) >= engine.settings.gateway.rollout.v2_percent:
        call = replace(call, question=_without_modals(call.question))
    return replace(call, stream=bool(body.get("stream")) or _wants_events(scope))


def parse_v1(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``POST /ai/router/``: its callers know no modals and no events."""
    del engine
    schema.check(schema.QUESTION, body)
    call = question_call(scope, body, identity)
    assert call.question is not None
    if body.get("stream"):
        raise InvalidRequest("This route does not stream; POST /ai/router/v2 does.", param="stream")
    return replace(call, question=_without_modals(call.question))


class Assistant:
    """Renders answers, and counts what they were."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    async def render(self, call: Call, answer: Answer, headers: Headers, send: Send) -> None:
        """The v2 envelope, or its events."""
        if call.stream:
            await sse.stream(send, self._events(answer), headers)
            return
        made = self._finished(await Gathered.whole(answer))
        await send_json(send, made, headers=headers())

    async def render_v1(self, call: Call, answer: Answer, headers: Headers, send: Send) -> None:
        """``{"answer_markdown", "actions", "sources", "confidence": 0..1, "intent": str, "session_id": str}``."""
        reply = await Gathered.whole(answer)
        envelope = self._finished(reply)
        legacy = {key: envelope[key] for key in ("answer_markdown", "actions", "sources")}
        legacy["confidence"] = reply.notes.get("confidence", NO_CONFIDENCE)
        legacy["intent"] = reply.notes.get("intent") or NO_INTENT
        legacy["session_id"] = call.identity.session or call.request_id
        await send_json(send, legacy, headers=headers())

    async def _events(self, answer: Answer) -> AsyncIterator[bytes]:
        """``meta``, then ``delta``s that together are ``answer_markdown``, then ``done`` with the whole envelope."""
        reply = Gathered(answer)
        begun = False
        async for chunk in answer.chunks:
            reply.take(chunk)
            if not begun:  # not before: an answer that fails before its first chunk is a reply with a status
                begun = True
                yield sse.event({"kind": _kind(reply)}, "meta")
            if chunk.text and _kind(reply) == "conversational":
                yield sse.event({"text": chunk.text}, "delta")
        made = self._finished(reply)
        yield sse.event(made, "done")

    def _finished(self, reply: Gathered) -> Json:
        envelope = _envelope(reply)
        self._tally.count(reply.notes)
        return envelope


def _kind(reply: Gathered) -> str:
    """``modal`` or ``conversational``; known from the first chunk on."""
    return "modal" if "modal" in reply.notes else "conversational"


def _envelope(reply: Gathered) -> Json:
    """The envelope; raises UpstreamRejected for a conversational one that would say nothing."""
    notes = reply.notes
    actions = notes.get("actions", [])
    if _kind(reply) == "modal":
        return {"kind": "modal", "actions": actions, "modal": notes["modal"]}
    made: Json = {
        "kind": "conversational",
        "answer_markdown": reply.text(),
        "actions": actions,
        "sources": [_source(source) for source in notes.get("sources", ())[:MOST_SOURCES]],
    }
    if "maybe_modal" in notes:
        made["maybe_modal"] = notes["maybe_modal"]
    return made


def _source(source: Json) -> Json:
    return {key: source[key] for key in SOURCE if key in source}


def question_call(scope: Scope, body: Json, identity: Identity) -> Call:
    """The call of a question whose body was checked."""
    context = body.get("context") or {}
    capabilities = body.get("ui_capabilities")
    if identity.conversation is None and context.get("conversation_id"):
        identity = replace(identity, conversation=context["conversation_id"])
    return Call(
        request_id=scope["request_id"],
        surface=Surface.IVY,
        operation=Operation.CHAT,
        model=DEFAULT_MODEL,
        params={"messages": [{"role": "user", "content": body["query"]}]},
        question=Question(body["query"], context, None if capabilities is None else frozenset(capabilities)),
        identity=identity,
    )


def _without_modals(question: Question) -> Question:
    return replace(question, ui_capabilities=(question.ui_capabilities or frozenset()) - {"modals"})


def _share(identity: Identity) -> int:
    """A number from 0 to 99 that stays with the user, so that raising the percentage takes nobody's v2 away."""
    return int.from_bytes(hashlib.sha256(identity.subject.encode()).digest()[:8]) % 100


def _wants_events(scope: Scope) -> bool:
    return "text/event-stream" in RequestHeaders(scope=scope).get("accept", "").lower()

"""Makes a reply a modal where the rules say so; one that is never late, malformed or empty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from gateway.contract import (
    Call,
    Chunk,
    Configured,
    Files,
    GatewayError,
    InvalidRequest,
    Operation,
    Policy,
    RateLimited,
    Services,
    Unavailable,
    UpstreamRejected,
)
from policies.common.actions import Actions, ActionsFile
from policies.common.asking import corrected, instructed
from policies.common.data import facts
from policies.common.grounds import Grounds
from policies.common.json_answer import parsed
from policies.common.recital import instructions
from policies.modal.payload import named, words
from policies.modal.rules import Decision, RulesFile
from policies.modal.types import ModalsFile, ModalType

#: In ``Call.learnt``: the decision, and the parameters as they were when this policy let the call go.
LEARNT, SENT = "modal", "modal_sent"
Source = Literal["model", "repaired", "context"]


class ModalOptions(Configured):
    """Files of the configuration folder."""

    rules: str = "rules.yaml"
    modals: str = "modals.yaml"
    actions: str = "actions.yaml"


@dataclass(slots=True)
class Heard:
    """What came of asking a model: its words, the notes beside them, whether they are all of its words."""

    texts: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    degraded: bool = False

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(self.texts)


class ModalHeuristics(Policy):
    """Request: decides, and for a modal asks for its payload as structured output.
    Response: the payload, checked and put right; or a likely modal beside a conversational reply."""

    Options: ClassVar[type[BaseModel]] = ModalOptions
    flag: ClassVar[str | None] = "modal_heuristics"
    after: ClassVar[tuple[str, ...]] = ("prompt", "memory")

    def __init__(self, options: ModalOptions, services: Services) -> None:
        files = services.files
        rules = files.yaml(options.rules, RulesFile)
        modals = files.yaml(options.modals, ModalsFile)
        actions = files.yaml(options.actions, ActionsFile)
        self._rules = rules.ready
        self._actions = Actions(actions)
        self._model = services.model
        self._seconds = modals.seconds
        self._most_tokens = modals.max_tokens
        self._prompt = files.text(modals.prompt).strip()
        self._types = {name: _type(name, modals, actions, files, options.modals) for name in modals.types}
        for place, rule in enumerate(rules.rules):
            if rule.modal not in self._types:
                message = f"the modal {rule.modal!r} is not in {options.modals}, which has {', '.join(self._types)}"
                raise files.wrong(options.rules, ("rules", place, "modal"), message)

    async def request(self, call: Call) -> Call:
        """Only questions are decided on."""
        if call.question is None or call.operation is not Operation.CHAT:
            return call
        decision = self._rules.decide(call.question.query, call.question.context, call.question.takes_modals)
        learnt = {**call.learnt, LEARNT: decision}
        if decision.mode != "modal" or decision.modal is None:
            return replace(call, learnt=learnt)
        params = self._params(call.params, self._types[decision.modal])
        seconds = call.within(self._seconds)
        return replace(call, params=params, seconds=seconds, stream=False, learnt={**learnt, SENT: params})

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """A modal is one chunk; a conversation passes, and its notes come last. An answer that another policy gave,
        such as a refusal, passes as it is."""
        decision = call.learnt.get(LEARNT)
        if not isinstance(decision, Decision) or call.answer is not None:
            return chunks
        if decision.mode == "modal" and decision.modal is not None:
            return self._modal(call, decision, self._types[decision.modal], chunks)
        return self._noted(call, decision, chunks)

    def _params(self, params: Mapping[str, Any], kind: ModalType) -> dict[str, Any]:
        return {
            **params,
            "messages": instructed(params.get("messages") or (), f"{self._prompt}\n\n{kind.instruction}"),
            "response_format": kind.response_format,
            "temperature": 0,
            "max_tokens": self._most_tokens,
        }

    async def _noted(self, call: Call, decision: Decision, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        sources = None
        async for chunk in chunks:
            sources = chunk.notes.get("sources", sources)
            yield chunk
        notes = self._meaning(decision)
        if decision.mode == "maybe" and decision.modal is not None:
            facts = _facts(call)
            payload = self._types[decision.modal].from_context(facts, Grounds(facts, sources))
            notes["maybe_modal"] = {"type": decision.modal, "payload": payload}
        yield Chunk.saying("", notes)

    async def _modal(
        self, call: Call, decision: Decision, kind: ModalType, chunks: AsyncIterator[Chunk]
    ) -> AsyncIterator[Chunk]:
        heard = Heard()
        made = await self._made(call, kind, chunks, heard)
        payload, source = self._grounded(call, kind, made, heard)
        notes = {
            **heard.notes,
            **self._meaning(decision),
            "modal": {"type": kind.name, "payload": payload},
            "actions": self._actions.offered(named(payload)),
            "modal_source": source,
            **({"degraded": True} if heard.degraded else {}),
        }
        yield Chunk.saying(words(payload) or kind.name, notes, finish="stop")

    async def _made(
        self, call: Call, kind: ModalType, chunks: AsyncIterator[Chunk], heard: Heard
    ) -> tuple[Any, Source] | None:
        """What a model made of it in time, if anything; ``heard`` is filled on the way."""
        limit = asyncio.timeout(call.within(self._seconds))
        try:
            async with limit:
                await _hear(chunks, heard)
                return await self._fitting(call, kind, heard, limit.when())
        except TimeoutError:
            if not limit.expired():
                raise
            heard.degraded = not heard.texts
            return None

    async def _fitting(
        self, call: Call, kind: ModalType, heard: Heard, deadline: float | None
    ) -> tuple[Any, Source] | None:
        """A model's payload that fits, at the first or the second try."""
        if not heard.whole:
            return None
        payload, problem = _read(heard.text, kind)
        if problem is None:
            return payload, "model"
        left = max(0.01, (deadline or 0.0) - asyncio.get_running_loop().time())
        try:
            answer = await self._model.ask(corrected(call, call.learnt.get(SENT), heard.text, problem, left))
        except GatewayError:
            return None
        payload, problem = _read(answer, kind)
        return None if problem else (payload, "repaired")

    def _grounded(
        self, call: Call, kind: ModalType, made: tuple[Any, Source] | None, heard: Heard
    ) -> tuple[dict[str, Any], Source]:
        """The payload without numbers that neither the context nor the sources hold. One whose texts recite what the
        model was told is thrown away: only here do they stand as they are shown, without JSON's escapes."""
        facts = _facts(call)
        grounds = Grounds(facts, heard.notes.get("sources"))
        told = list(instructions(call.learnt.get(SENT) or {}))
        if made is not None and kind.grounded(made[0], grounds, {}) == made[0]:  # as most are, and it fits
            if not kind.recites(made[0], told):
                return made
            made = None
        plain = kind.from_context(facts, grounds)
        if made is None:
            return plain, "context"
        payload = kind.grounded(made[0], grounds, plain)
        if kind.schema.problem(payload) or kind.recites(payload, told):
            return plain, "context"
        return payload, made[1]

    def _meaning(self, decision: Decision) -> dict[str, Any]:
        intent = {} if decision.intent is None else {"intent": decision.intent}
        return {**intent, "confidence": self._rules.confidence(decision)}


def _type(name: str, modals: ModalsFile, actions: ActionsFile, files: Files, file: str) -> ModalType:
    try:
        return ModalType(name, modals.types[name], actions, files)
    except ValueError as error:
        raise files.wrong(file, ("types", name), str(error)) from None


async def _hear(chunks: AsyncIterator[Chunk], heard: Heard) -> None:
    """All that comes; a provider's failure ends it."""
    try:
        async for chunk in chunks:
            heard.notes |= chunk.notes
            if chunk.text:
                heard.texts.append(chunk.text)
    except GatewayError as error:
        # What is wrong with the request is not the caller's doing: it is this policy that asked for a payload.
        if not isinstance(error, (Unavailable, RateLimited, UpstreamRejected, InvalidRequest)):
            raise
        heard.degraded = True
        return
    heard.whole = True


def _read(answer: str, kind: ModalType) -> tuple[Any, str | None]:
    """The payload of an answer, and what is wrong with it."""
    try:
        payload = kind.acted(parsed(answer))
    except ValueError as error:
        return None, str(error)
    return payload, kind.schema.problem(payload)


def _facts(call: Call) -> Mapping[str, Any]:
    return facts(call.question.context if call.question else {})

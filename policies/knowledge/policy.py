"""Answers questions from the knowledge base: of its passages only, cited, or with words that begin with ``Gap:``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pydantic import BaseModel

from gateway.contract import (
    Call,
    Chunk,
    Configured,
    InvalidRequest,
    Operation,
    Passage,
    Policy,
    Question,
    RateLimited,
    Services,
    Unavailable,
    UpstreamRejected,
)
from policies.common.asking import corrected, instructed
from policies.common.chunks import saying
from policies.common.markdown import literal
from policies.common.words import tokenise
from policies.knowledge import structured
from policies.knowledge.citations import Citations
from policies.knowledge.file import KnowledgeFile
from policies.knowledge.hearing import Hearing, cited
from policies.knowledge.passages import cleaned, shown, sources
from policies.knowledge.quotes import listed, quotes
from policies.knowledge.structured import Structured

#: In ``Call.learnt``: what was found.
LEARNT = "knowledge"
#: Sources of a reply to the assistant; and the characters of a question that can ask for the knowledge base.
ASSISTANT_SOURCES = 3
LONGEST_ASKING = 1000
#: What a model's not answering is told by. What is wrong with the request is not the caller's doing here: the passages
#: are this policy's, and so is the wish for an object.
TOLD = (Unavailable, RateLimited, UpstreamRejected, InvalidRequest)


class KnowledgeOptions(Configured):
    """``file`` is a file of the configuration folder."""

    file: str = "knowledge.yaml"


class Search(BaseModel):
    """How the knowledge base is asked. ``sure`` says that the question is for it, whatever comes of it."""

    limit: int = ASSISTANT_SOURCES
    categories: frozenset[str] = frozenset()
    threshold: float | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What a question found. Without passages ``gap`` is the answer."""

    question: Question
    passages: Sequence[Passage] = ()
    gap: str = ""
    milliseconds: float = 0.0

    @property
    def in_json(self) -> bool:
        """Whether an object is wanted."""
        return self.question.wanted is not None and self.question.wanted.json_mode

    def notes(self, cited: Sequence[Passage]) -> dict[str, Any]:
        """A reply's notes; nothing cited is a gap."""
        confidence = round(self.passages[0].score, 4) if cited else 0.0
        retrieval = {"milliseconds": round(self.milliseconds, 1), "confidence": confidence}
        return {"sources": sources(cited), "retrieval": retrieval}


class KnowledgeAnswers(Policy):
    """Request: the passages that answer the question, as data in the user's message. Response: the citations checked,
    and the passages quoted where no model answers.

    Stands after ``modal``, whose decision for a modal it leaves alone and which sees the sources, and after ``memory``,
    which remembers what is answered here.
    """

    Options: ClassVar[type[BaseModel]] = KnowledgeOptions
    after: ClassVar[tuple[str, ...]] = ("private_topics", "offline", "prompt", "memory", "modal")

    def __init__(self, options: KnowledgeOptions, services: Services) -> None:
        file = services.files.yaml(options.file, KnowledgeFile)
        try:
            self._structured = Structured(services.files.text(file.schema_file))
        except ValueError as error:
            raise services.files.wrong(options.file, ("schema_file",), str(error)) from None
        self._file = file
        self._prompt = services.files.text(file.prompt).strip()
        self._knowledge = services.knowledge
        self._model = services.model
        self._local = services.local

    async def request(self, call: Call) -> Call:
        """With the passages; as it was where the question is not one for the knowledge base. Raises Unavailable where
        the answer is to come from it and it can't be read."""
        question = call.question
        if question is None or call.operation is not Operation.CHAT:
            return call
        search = self._search(call, question)
        if search is None:
            return call
        found = await self._found(question, search)
        return call if found is None else self._asking(call, found)

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks as they come where nothing was looked for. No provider is asked for a gap, nor the local model for
        anything: it is too small to keep to passages."""
        found = call.learnt.get(LEARNT)
        if not isinstance(found, Found) or call.answer is not None:
            return chunks
        if not found.passages:
            return _one(self._gap(found, found.gap))
        if self._local:
            return _one(self._quoted(found))
        return self._object(call, found, chunks) if found.in_json else self._prose(found, chunks)

    def _search(self, call: Call, question: Question) -> Search | None:
        wanted = question.wanted
        if wanted is not None:
            return Search(limit=wanted.limit, categories=wanted.categories)
        if "response_format" in call.params or self._knowledge is None or not self._knowledge.there:
            return None  # a modal, or nothing to look in
        if question.context.get("knowledge_base") is True or self._asks(question.query):
            return Search()
        return Search(threshold=self._file.assistant_from, sure=False)

    def _asks(self, query: str) -> bool:
        matches = self._file.asked_ready.find(tokenise(query[:LONGEST_ASKING]))
        return any(not match.denied for match in matches)

    async def _found(self, question: Question, search: Search) -> Found | None:
        """None where the assistant answers as if there were no knowledge base."""
        if self._knowledge is None or not self._knowledge.there:
            return Found(question, gap=self._file.gaps.nothing_ingested)
        began = time.perf_counter()
        try:
            passages = await self._knowledge.search(
                question.query, limit=search.limit, categories=search.categories, threshold=search.threshold
            )
        except Unavailable:
            if question.wanted is not None:
                raise
            return None
        took = (time.perf_counter() - began) * 1000
        kept = cleaned(passages, self._file.orders_ready, self._file.max_passage_characters)
        if not kept and not search.sure:
            return None
        return Found(question, kept, "" if kept else self._file.gaps.not_found, took)

    def _asking(self, call: Call, found: Found) -> Call:
        learnt = {**call.learnt, LEARNT: found}
        if not found.passages:
            return replace(call, learnt=learnt)
        *before, last = instructed(call.params["messages"], self._prompt)
        asked = {**last, "content": f"{last['content']}\n\n{shown(found.passages)}"}
        params = {**call.params, "messages": [*before, asked]}
        if found.in_json:
            params["response_format"] = self._structured.response_format
        seconds = call.seconds if found.question.wanted is None else call.within(self._file.seconds)
        return replace(call, params=params, seconds=seconds, learnt=learnt)

    async def _prose(self, found: Found, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        hearing = Hearing(found.passages)
        begun = said = down = False
        try:
            async for chunk in chunks:
                text = hearing.hear(chunk.text, last=chunk.finish is not None)
                if text or chunk.finish is not None or not chunk.text:
                    begun, said = True, said or bool(text.strip())
                    yield chunk if text == chunk.text else saying(chunk, text)
        except TOLD as error:
            if begun:
                raise
            down = isinstance(error, (Unavailable, RateLimited))
            said = False
        rest = hearing.hear("", last=True)
        if not said and not rest.strip():
            yield self._quoted(found, degraded=down)
            return
        yield Chunk.saying(rest, found.notes(hearing.sources()))

    async def _object(self, call: Call, found: Found, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        end = time.monotonic() + call.within(self._file.seconds)
        try:
            text = "".join([chunk.text async for chunk in chunks])
            made, problem = self._structured.read(text)
            if problem is not None:
                left = max(0.01, end - time.monotonic())
                again = await self._model.ask(corrected(call, None, text, problem, left))
                made, _ = self._structured.read(again)
        except TOLD:
            yield self._quoted(found)
            return
        if made is None:
            yield self._quoted(found, degraded=False)
            return
        citations = Citations(len(found.passages))
        answer = self._structured.cited(made, citations)
        notes = found.notes(cited(found.passages, citations) if answer["found"] else [])
        yield Chunk.saying(answer["answer"], {**notes, "answer": answer}, finish="stop")

    def _quoted(self, found: Found, *, degraded: bool = True) -> Chunk:
        """The best passages in their own words."""
        best = found.passages[: self._file.quotes.passages]
        quoted = quotes(found.question.query, best, self._file.quotes.characters)
        say = literal if found.question.wanted is None else str
        text = f"{self._file.quotes.heading.strip()}\n\n{listed(quoted, say)}"
        notes = {**found.notes(best), **({"degraded": True} if degraded else {})}
        if found.in_json:
            notes["answer"] = structured.made_of(text, quoted, len(best))
        return Chunk.saying(text, notes, finish="stop")

    def _gap(self, found: Found, words: str) -> Chunk:
        notes = found.notes([])
        if found.in_json:
            notes["answer"] = structured.gap(words)
        return Chunk.saying(words, notes, finish="stop")


async def _one(chunk: Chunk) -> AsyncIterator[Chunk]:
    """A reply of one chunk; no provider is asked, as nothing is taken of what it would say."""
    yield chunk

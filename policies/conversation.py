"""Turns a question to the assistant into messages, and its answer into an envelope's actions."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.contract import Call, Chunk, Files, Policy

#: Keys of the context that steer the gateway and are no facts about the caller's screen.
STEERING = frozenset({"conversation_id", "conversation_history"})


class Action(BaseModel):
    """One thing the caller's screen can do; offered where the answer speaks of one of ``words``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    label: Annotated[str, Field(min_length=1)]
    words: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)


class ConversationOptions(BaseModel):
    """``prompt`` is a file of the configuration folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    prompt: str
    max_context_characters: Annotated[int, Field(ge=0, le=1_000_000)] = 8000
    max_history_characters: Annotated[int, Field(ge=0, le=1_000_000)] = 16000
    default_action: str
    actions: Annotated[dict[str, Action], Field(min_length=1)]

    @model_validator(mode="after")
    def _default_is_listed(self) -> ConversationOptions:
        if self.default_action not in self.actions:
            raise ValueError(f"'default_action' is {self.default_action!r}, which 'actions' does not list")
        return self


class Conversation(Policy):
    """Request: the system prompt, then the question with the context as delimited data.
    Response: notes which actions the answer speaks of, with its last chunk."""

    Options: ClassVar[type[BaseModel]] = ConversationOptions

    def __init__(self, options: ConversationOptions, files: Files) -> None:
        self._prompt = files.text(options.prompt).strip()
        self._longest = options.max_context_characters
        self._longest_history = options.max_history_characters
        self._labels = {name: action.label for name, action in options.actions.items()}
        self._default = options.default_action
        self._spoken = {
            name: re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, action.words))})(?:s|ing|ed)?(?!\w)", re.IGNORECASE)
            for name, action in options.actions.items()
            if action.words
        }

    async def request(self, call: Call) -> Call:
        """Only questions are shaped; a caller's own messages pass untouched."""
        if call.question is None:
            return call
        messages = [
            {"role": "system", "content": self._prompt},
            *self._history(call.question.context.get("conversation_history") or []),
            {"role": "user", "content": call.question.query + self._facts(call.question.context)},
        ]
        return replace(call, params={**call.params, "messages": messages})

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks as they come, then the notes for the envelope."""
        return chunks if call.question is None else self._noted(chunks)

    async def _noted(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        answer = []
        async for chunk in chunks:
            answer.append(chunk.text)
            yield chunk
        yield Chunk({"choices": []}, {"actions": self._actions("".join(answer))})

    def _history(self, turns: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        """The caller's turns, the newest as far as they fit; those before would be cut off from their answers."""
        left, kept = self._longest_history, []
        for turn in reversed(turns):
            left -= len(turn["content"])
            if left < 0:
                break
            kept.append({"role": turn["role"], "content": turn["content"]})
        return kept[::-1]

    def _facts(self, context: Mapping[str, Any]) -> str:
        """The context as data between markers; a marker inside of it can't end it."""
        facts = {key: value for key, value in context.items() if key not in STEERING}
        if not facts:
            return ""
        text = json.dumps(facts, ensure_ascii=False, indent=1)[: self._longest]
        text = re.sub(r"(BEGIN|END)(\s+)DATA", r"\1-DATA", text, flags=re.IGNORECASE)
        return f"\n\nBEGIN DATA\n{text}\nEND DATA"

    def _actions(self, answer: str) -> list[dict[str, str]]:
        names = [name for name, words in self._spoken.items() if words.search(answer)] or [self._default]
        return [{"label": self._labels[name], "action": name} for name in names]

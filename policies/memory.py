"""Organic memory: the conversation so far goes in, and the finished turn is remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from gateway.contract import Call, Chunk, Configured, Memory, Operation, Owner, Policy, Services, Turn
from policies.common import tokens
from policies.common.data import unmarked

#: Under this name the request hook tells the response hook what is being remembered.
LEARNT = "memory"
SYSTEM = frozenset({"system", "developer"})
#: Roles of messages that only a caller which keeps its own history sends.
ANSWERS = frozenset({"assistant", "tool", "function"})

#: Tokens; a part of a turn in less than this says nothing.
WORTH_CUTTING = 30

Message = Mapping[str, Any]


class MemoryOptions(Configured):
    """``history_tokens`` of the conversation go in at most, the newest first (see ``policies.common.tokens``)."""

    history_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 2000


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn whose answer is to come; ``mark`` is of the recall that began it."""

    owner: Owner
    conversation: str
    mark: int
    asked: str


class OrganicMemory(Policy):
    """Request: the history, between the system's messages and the rest. Response: the turn, once it is complete.

    A question to the assistant belongs to its user's running conversation where it names none. On ``/v1`` only a
    caller that names a conversation has one; and a history that the caller sends stands in for what is stored.
    """

    Options: ClassVar[type[BaseModel]] = MemoryOptions
    flag: ClassVar[str | None] = "organic_enabled"
    after: ClassVar[tuple[str, ...]] = ("private_topics", "offline", "prompt")

    def __init__(self, options: MemoryOptions, services: Services) -> None:
        self._budget = options.history_tokens
        self._memory: Memory = services.memory

    async def request(self, call: Call) -> Call:
        """The history put in, and what the response hook needs learnt."""
        if not _concerned(call):
            return call
        own = _own_history(call)
        history = [] if own is None else _fitting_messages(own, self._budget)
        owner, conversation = call.identity.owner, call.identity.session
        if owner is not None and conversation is not None:
            turns, mark = await self._memory.recall(owner, conversation)
            history = _fitting_turns(turns, self._budget) if own is None else history
            begun = Begun(owner, conversation, mark, _asked(call))
            call = replace(call, learnt={**call.learnt, LEARNT: begun})
        return _with_history(call, history) if history else call

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks as they come; the turn is remembered before they end."""
        begun = call.learnt.get(LEARNT)
        return self._remembering(begun, chunks) if isinstance(begun, Begun) and begun.asked.strip() else chunks

    async def _remembering(self, begun: Begun, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        texts: list[str] = []
        finish: str | None = None
        quoted = False
        async for chunk in chunks:
            texts.append(chunk.text)
            finish = chunk.finish or finish
            # Documents' own words are no model's answer, and would come back to one outside of the data.
            quoted = quoted or bool(chunk.notes.get("degraded") and "retrieval" in chunk.notes)
            yield chunk
        answered = "".join(texts)
        if answered.strip() and finish != "content_filter" and not quoted:
            await self._memory.remember(begun.owner, begun.conversation, Turn(begun.asked, answered), begun.mark)


def _concerned(call: Call) -> bool:
    """Whether the call is part of a conversation that is, or might be, known here."""
    if call.question is not None:
        return True
    identity = call.identity
    named = identity.conversation is not None and identity.owner is not None
    return named and call.operation is Operation.CHAT and bool(call.params.get("messages"))


def _own_history(call: Call) -> Sequence[Message] | None:
    """What the caller sends to stand in for stored history and is not in its messages yet; None without any."""
    if call.question is not None:
        history: Sequence[Message] | None = call.question.context.get("conversation_history")
        return history
    return () if any(message.get("role") in ANSWERS for message in call.params["messages"]) else None


def _asked(call: Call) -> str:
    """The query, or the text of the last message of the user's."""
    if call.question is not None:
        return call.question.query
    messages = reversed(call.params["messages"])
    return next((_text(message.get("content")) for message in messages if message.get("role") == "user"), "")


def _text(content: Any) -> str:
    """The text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _fitting_turns(turns: Sequence[Turn], budget: int) -> list[Message]:
    """The last turns as messages, as many as go into ``budget`` tokens; the last one at least in part, since that is
    what a question such as "shorter, please" is about."""
    costs = (tokens.estimate(turn.asked) + tokens.estimate(turn.answered) for turn in reversed(turns))
    kept = turns[len(turns) - _count(costs, budget) :] or [
        _cut(turn, budget) for turn in turns[-1:] if budget >= WORTH_CUTTING
    ]
    return [message for turn in kept for message in _messages(turn)]


def _cut(turn: Turn, budget: int) -> Turn:
    asked = tokens.clipped(turn.asked, budget // 2)
    return Turn(asked, tokens.clipped(turn.answered, budget - tokens.estimate(asked)))


def _messages(turn: Turn) -> tuple[Message, Message]:
    return {"role": "user", "content": turn.asked}, {"role": "assistant", "content": turn.answered}


def _fitting_messages(messages: Sequence[Message], budget: int) -> list[Message]:
    """The caller's last messages, as many as go into ``budget`` tokens; no answer without its question. Where that
    is none, the last two in part."""
    first = len(messages) - _count((tokens.estimate(message["content"]) for message in reversed(messages)), budget)
    while 0 < first < len(messages) and messages[first]["role"] == "assistant":
        first += 1
    last = messages[-2:] if budget >= WORTH_CUTTING else []
    kept = messages[first:] or [
        {**message, "content": tokens.clipped(message["content"], budget // len(last))} for message in last
    ]
    return [{"role": message["role"], "content": message["content"]} for message in kept]


def _count(costs: Iterable[int], budget: int) -> int:
    """How many of the first ``costs`` are within ``budget`` together."""
    count = 0
    for cost in costs:
        budget -= cost
        if budget < 0:
            break
        count += 1
    return count


def _with_history(call: Call, history: Sequence[Message]) -> Call:
    messages = call.params["messages"]
    place = next((at for at, message in enumerate(messages) if message.get("role") not in SYSTEM), len(messages))
    if call.question is not None:  # where data stands between markers
        history = [{**message, "content": unmarked(message["content"])} for message in history]
    return replace(call, params={**call.params, "messages": [*messages[:place], *history, *messages[place:]]})

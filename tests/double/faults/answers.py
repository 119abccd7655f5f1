"""Faults of the answer: well-formed replies that are not what was asked for."""

from dataclasses import replace
from itertools import islice
from typing import Any, Literal

import orjson

from ..ask import Answer
from ..turn import Turn, dumped
from ..wire import Event, Subject
from .registry import Count, fault

BLOCK = "x" * (16 * 1024 - 1) + " "
BLOCKS_PER_MEGABYTE = 64
LISTS = ("choices", "candidates", "data", "embeddings", "results", "output")


def _emptied(reply: Any) -> Any:
    """The reply with its list of choices, candidates or vectors empty; none of the bytes of one that is not JSON."""
    if isinstance(reply, bytes):
        return b""
    if isinstance(reply, list):
        return [_emptied(one) for one in reply]
    return {key: [] if key in LISTS else value for key, value in reply.items()}


@fault()
async def empty_choices(turn: Turn) -> None:
    """200 with choices, or candidates, []. Stream: one such event, and OpenAI's `[DONE]`.

    Embeddings: no vectors.
    """
    if not turn.streams:
        await turn.send(dumped(_emptied(turn.json())), kind=turn.kind)
        return
    events = [Event("text", _emptied(event.data)) for event in islice(turn.events(), 1)]
    turn.open_stream()
    await turn.send_events(events + [event for event in turn.events() if event.kind == "done"])
    turn.close_stream()


@fault()
async def null_content(turn: Turn) -> None:
    """200 with finish reason stop and no content: OpenAI's null, a Gemini content without parts.

    Embeddings: no vectors.
    """
    if turn.ask is None:
        await empty_choices(turn)
        return
    turn.answer = Answer(absent=True)
    await turn.deliver()


@fault()
async def whitespace(turn: Turn) -> None:
    """An answer of white space only. Other than chat: healthy."""
    turn.answer = Answer(pieces=[" ", "\n\n", "  \t"])
    await turn.deliver()


@fault()
async def huge(turn: Turn, *, megabytes: Count) -> None:
    """An answer of that size, in events of 16 KiB. Other than chat: a field `padding` of that size."""
    if isinstance(turn.payload, dict):
        turn.payload = turn.payload | {"padding": BLOCK * BLOCKS_PER_MEGABYTE * megabytes}
    turn.answer = Answer(pieces=[BLOCK] * (BLOCKS_PER_MEGABYTE * megabytes))
    await turn.deliver()


@fault()
async def other_model(turn: Turn, *, model: str = "another-model-9") -> None:
    """The healthy answer, naming `model` as the one that gave it."""
    if turn.ask is not None:
        turn.ask = replace(turn.ask, shown=model)
    elif isinstance(turn.payload, dict) and "model" in turn.payload:
        turn.payload = turn.payload | {"model": model}
    await turn.deliver()


@fault()
async def safety(turn: Turn, *, where: Literal["answer", "candidate", "error"] = "answer") -> None:
    """A refusal by the provider's filter.

    `answer`: OpenAI, a reply with finish_reason content_filter; Gemini, a 200 with promptFeedback.blockReason
    SAFETY and no candidates (a stream: that as its only event). `candidate`: Gemini, a candidate with
    finishReason SAFETY and no parts; OpenAI as `answer`. `error`: 400, OpenAI's code
    content_policy_violation. Other than chat: `error`.
    """
    if where == "error" or turn.ask is None:
        await turn.send_problem(turn.wire.canned("policy", Subject(turn.call.model)))
        return
    blocked = turn.wire.blocked_prompt(turn.ask)
    if where == "candidate" or blocked is None:
        refusal = None if turn.wire.name == "gemini" else "I'm sorry, but I can't help with that."
        turn.answer = Answer(finish="filter", refusal=refusal, absent=True)
        await turn.deliver()
    elif turn.streams:
        turn.open_stream()
        await turn.send_events([Event("finish", blocked)])
        turn.close_stream()
    else:
        await turn.send(orjson.dumps(blocked))

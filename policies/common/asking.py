"""What a policy changes of the messages to a model: more instructions, or the same question once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.contract import Call

#: Of an answer that is shown to the model once more.
LONGEST_SHOWN = 8000


def instructed(messages: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """``messages`` with ``text`` at the end of the last system message, or as one in front of them."""
    places = [at for at, message in enumerate(messages) if message.get("role") == "system"]
    if not places or not isinstance(messages[places[-1]].get("content"), str):
        return [{"role": "system", "content": text}, *messages]
    at = places[-1]
    longer = {**messages[at], "content": f"{messages[at]['content']}\n\n{text}"}
    return [*messages[:at], longer, *messages[at + 1 :]]


def corrected(call: Call, sent: Mapping[str, Any] | None, answer: str, problem: str, seconds: float) -> Call:
    """The same question with the answer and what is wrong with it; ``sent`` are the parameters that it was asked with,
    where they are not the call's."""
    params = sent or call.params
    said = f"That does not fit the schema: {problem}\nReply with only the corrected JSON."
    messages = [
        *params["messages"],
        {"role": "assistant", "content": answer[:LONGEST_SHOWN] or "{}"},
        {"role": "user", "content": said},
    ]
    return replace(call, params={**params, "messages": messages}, seconds=seconds, stream=False)

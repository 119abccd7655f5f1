"""Offers actions with every reply: what the question asks for, else what the answer suggests, else the default."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel

from gateway.contract import Call, Chunk, Configured, Policy, Services
from policies.common.actions import Actions, ActionsFile

#: JSON's escapes, and what joins the words of a field's name.
HIDING = re.compile(r"\\(?:u[0-9a-f]{4}|.)|_+|(?<=[a-z0-9])(?=[A-Z])")


class OfferOptions(Configured):
    """``file`` is a file of the configuration folder: the list of actions."""

    file: str = "actions.yaml"


class OfferActions(Policy):
    """Response: notes the actions with the last chunk, unless a policy nearer to the model has noted some.

    What the caller's data speaks of is not offered because the answer repeats it: whoever can write into a lead's
    notes could choose the buttons on somebody's screen.
    """

    Options: ClassVar[type[BaseModel]] = OfferOptions

    def __init__(self, options: OfferOptions, services: Services) -> None:
        self._actions = Actions(services.files.yaml(options.file, ActionsFile))

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks as they come, then the note; a caller's own messages are answered without."""
        return chunks if call.question is None else self._noted(call, chunks)

    async def _noted(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        answer: list[str] = []
        noted = False
        async for chunk in chunks:
            if not chunk.notes.get("degraded"):  # without a model its words are the data's
                answer.append(chunk.text)
            if "actions" not in chunk.notes:
                yield chunk
                continue
            noted = True
            yield replace(chunk, notes={**chunk.notes, "actions": self._listed(chunk.notes["actions"])})
        if not noted:
            yield Chunk.saying("", {"actions": self._actions.offered(self._chosen(call, "".join(answer)))})

    def _chosen(self, call: Call, answer: str) -> list[str]:
        assert call.question is not None
        wanted = self._actions.spoken(call.question.query)
        if wanted or call.answer is not None:  # a policy's fixed answer, whose words are about no action
            return wanted
        of_the_data = set(self._actions.spoken(_data(call)))
        return [name for name in self._actions.spoken(answer) if name not in of_the_data]

    def _listed(self, actions: Any) -> list[dict[str, str]]:
        """Noted actions under the list's own names; what stands for none of them is dropped."""
        named = (self._actions.named(str(action.get("action"))) for action in actions)
        return self._actions.offered(name for name in named if name)


def _data(call: Call) -> str:
    """What the model was sent of the caller's, which is bounded: as it was written, and with the words that escapes and
    names of fields hide, which a model sees all the same. Turns that were remembered here are no data of others."""
    own = bool(call.question and call.question.context.get("conversation_history"))
    sent = [message for message in call.params.get("messages") or () if message.get("role") != "system"]
    text = "\n".join(str(message.get("content")) for message in (sent if own else sent[-1:]))
    return f"{text}\n{HIDING.sub(' ', text)}"

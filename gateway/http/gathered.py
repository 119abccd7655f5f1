"""What has come of an answer to an Ivy route: its texts, and the policies' notes."""

from __future__ import annotations

from typing import Any

from gateway.contract import Chunk, UpstreamRejected
from gateway.pipeline import Answer


class Gathered:
    """The texts, and the notes, of which later ones win."""

    def __init__(self, answer: Answer) -> None:
        self._trail = answer.call.trail
        self._texts: list[str] = []
        self.notes: dict[str, Any] = {}

    @classmethod
    async def whole(cls, answer: Answer) -> Gathered:
        """All of ``answer``; raises GatewayError."""
        gathered = cls(answer)
        async for chunk in answer.chunks:
            gathered.take(chunk)
        return gathered

    def take(self, chunk: Chunk) -> None:
        """Take in the next chunk."""
        self._texts.append(chunk.text)
        self.notes |= chunk.notes
        self._trail.degraded = bool(self.notes.get("degraded"))

    def text(self) -> str:
        """The whole text; raises UpstreamRejected for one that says nothing."""
        text = "".join(self._texts)
        if not any(letter.isprintable() and not letter.isspace() for letter in text):
            raise UpstreamRejected("The model declined to answer this.", status=400, code="content_policy_violation")
        return text

"""What a provider really said, for the lane in which LiteLLM reads it and tells a nicer story.

LiteLLM gives a finish reason to answers that had none, and loses malformed events of a Gemini stream without a word.
Only replies in OpenAI's or Gemini's format are understood here; of others nothing is said.
"""

from __future__ import annotations

from typing import Any

from gateway.bounded_json import loads
from gateway.lanes.sse import EventParser
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.finishes import Finishes

DONE = b"[DONE]"
#: One of these is in every reply that is understood here; a search spares reading the others, vectors above all.
MARKS = (b'"choices"', b'"candidates"', b'"promptFeedback"', b'"error"')


class RawReply:
    """Notes of one reply with status 200."""

    def __init__(self) -> None:
        self.known = False
        self._finishes = Finishes(1)
        self._parser: EventParser | None = EventParser()
        self._malformed = False
        self._error = False

    @property
    def cut(self) -> bool:
        """Whether a choice of an understood reply has no finish reason."""
        return self.known and not self._finishes.whole

    @property
    def malformed(self) -> bool:
        """Whether an event of an understood reply could not be read, which LiteLLM may pass over."""
        return self.known and self._malformed

    def failure(self) -> Failure | None:
        """What is wrong with what has passed so far, though more may come."""
        if self._error:
            return Failure(Kind.STREAM_ERROR, "an error came in place of the reply")
        if self.malformed:
            return Failure(Kind.GARBAGE, "an event of the stream can't be read")
        return None

    def feed(self, received: bytes) -> None:
        """Take in bytes of a stream of events."""
        if self._parser is None:
            return
        try:
            for event in self._parser.feed(received):
                self._event(event)
        except Failure:  # an event beyond all measure, which is LiteLLM's to refuse
            self._parser, self.known = None, False

    def end(self) -> None:
        """The stream is over."""
        last = self._parser.flush() if self._parser else None
        if last is not None:
            self._event(last)

    def body(self, body: bytes) -> None:
        """Take in a whole reply."""
        if any(mark in body for mark in MARKS):
            self._event(body)

    def _event(self, event: bytes) -> None:
        if not event.strip() or event == DONE:
            return
        try:
            self._note(loads(event))
        except (ValueError, TypeError, AttributeError):  # no JSON, or of a shape that neither format has
            self._malformed = True

    def _note(self, data: Any) -> None:
        if isinstance(data, list) and not self.known:
            return  # another format's
        choices = data.get("choices") if "choices" in data else _choices(data)
        if choices is not None:
            self.known = True
            self._finishes.note(choices)
        elif data.get("error") and "type" not in data:  # Anthropic's errors have a type, and are LiteLLM's to read
            self._error = True


def _choices(data: Any) -> list[Any] | None:
    """A Gemini reply's candidates in OpenAI's words; None for a reply of another format."""
    if "blockReason" in (data.get("promptFeedback") or {}):
        return [{"finish_reason": "content_filter"}]
    if "candidates" not in data:
        return None
    return [
        {"index": one.get("index", 0), "finish_reason": one.get("finishReason")} for one in data["candidates"] or ()
    ]

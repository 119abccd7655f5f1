"""What the two wire formats have in common: events, problems and the interface the faults work with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from .ask import Answer, Ask

EventKind = Literal["role", "text", "finish", "usage", "done"]
Canned = Literal[
    "context_too_long", "model_not_found", "bad_key", "no_key", "policy", "prefill", "bad_json", "bad_request"
]


class Event(NamedTuple):
    """One server-sent event. `data` is its JSON object, or the bare text after `data: `; `name` is said in a line of
    its own, if there is one. Bytes are a piece of a reply that is no stream of events."""

    kind: EventKind
    data: Any
    name: str = ""


class Problem(NamedTuple):
    """An error reply: HTTP status, JSON body, and headers beside the usual ones."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an error is about: the model, the operation's name, the key that was sent, a detail in words."""

    model: str = ""
    operation: str = ""
    key: str = ""
    detail: str = ""


class Wire(Protocol):
    """A provider's wire format."""

    name: str
    line_end: bytes

    def plain(self, ask: Ask, answer: Answer) -> Any:
        """The JSON body of a whole reply."""

    def events(self, ask: Ask, answer: Answer) -> Iterator[Event]:
        """The events of a streamed reply, `[DONE]` included where the format has it."""

    def unfinished(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events without finish reason and anything after it."""

    def error(self, status: int, message: str | None, retry_after: float | None = None) -> Problem:
        """An error of that status; None takes a message that the provider itself would send."""

    def canned(self, name: Canned, subject: Subject) -> Problem:
        """One of the errors that the provider words in its own way."""

    def blocked_prompt(self, ask: Ask) -> Any | None:
        """The 200 body of a refused prompt, where the format has a shape of its own for it."""

    def headers(self, call_id: int) -> Mapping[str, str]:
        """Headers that the provider adds to every reply."""


def encode(wire: Wire, data: bytes) -> bytes:
    """The bytes of an event that carries `data`."""
    return b"data: " + data + wire.line_end * 2


def flat_text(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts of which those with `text` count."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))

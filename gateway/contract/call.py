"""One request as the policies see it, and the pieces of its reply."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from gateway.contract.knowledge import Wanted

NOTHING: Mapping[str, Any] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """The empty, read-only mapping, as a dataclass default."""
    return NOTHING


#: The name for the primary model, whichever that is.
DEFAULT_MODEL = "default"


class Surface(StrEnum):
    """Which face of the gateway was called: OpenAI's, or the assistant's."""

    V1 = "v1"
    IVY = "ivy"


class Operation(StrEnum):
    """What is asked of a model. CHAT is carried in whichever format it is asked for; RESPONSES is what only OpenAI
    itself keeps or runs."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RESPONSES = "responses"
    MODERATION = "moderation"
    IMAGE_GENERATION = "image_generation"
    IMAGE_EDIT = "image_edit"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    TRANSLATION = "translation"


class Upload(NamedTuple):
    """A file that came with a request; its name holds no path and no control characters."""

    filename: str
    content: bytes
    content_type: str


class Owner(NamedTuple):
    """Whose memory it is: a user of an organisation, which is empty where none was named."""

    org: str
    user: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls. ``address`` stands in where a caller names no user; ``key`` is the name of the virtual key, if any."""

    address: str
    user: str | None = None
    org: str | None = None
    conversation: str | None = None
    key: str | None = None

    @property
    def subject(self) -> str:
        """What limits are counted under; an address or a virtual key can't be mistaken for a user."""
        if self.user is None:
            return f"address\0{self.address}" if self.key is None else f"key\0{self.key}"
        return f"user\0{self.org or ''}\0{self.user}"

    @property
    def owner(self) -> Owner | None:
        """Whose memory the call belongs to; None where no user is named."""
        return None if self.user is None else Owner(self.org or "", self.user)

    @property
    def session(self) -> str | None:
        """The conversation's id, else that of the user's one running conversation; None where neither is named."""
        if self.conversation is not None or self.user is None:
            return self.conversation
        return f"session-{hashlib.sha256(self.subject.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Question:
    """What an Ivy route was asked: the query, the caller's context, what its screen can do.

    ``ui_capabilities`` is None where the caller sent none, which is not the same as an empty list. ``wanted`` is there
    where the answer is to come from the knowledge base, or not at all.
    """

    query: str
    context: Mapping[str, Any] = field(default_factory=nothing)
    ui_capabilities: frozenset[str] | None = None
    wanted: Wanted | None = None

    @property
    def takes_modals(self) -> bool:
        """Whether the caller's screen can show a modal."""
        return self.ui_capabilities is None or "modals" in self.ui_capabilities


class Spent(NamedTuple):
    """What one attempt used. ``model`` is the configured name; ``cached_tokens`` are among the prompt's.
    ``cost_usd`` is None where no price is known; ``estimated`` says that the provider did not count the tokens."""

    model: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None
    estimated: bool = False


@dataclass(slots=True)
class Trail:
    """Who was asked for one request, over all that was asked for it. The gateway writes it, policies leave it alone.

    ``model`` is the configured name of who answered last; ``degraded`` that an answer was made without one; ``spent``
    what the attempts that have ended used, those that came to nothing too.
    """

    model: str | None = None
    attempts: int = 0
    fallback_reason: str | None = None
    degraded: bool = False
    spent: list[Spent] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a model, as the policies see and shape it (``dataclasses.replace``).

    ``params`` is the OpenAI body without ``model`` and ``stream``: for CHAT ``messages`` and the rest.
    It must not be changed in place: a retry and a fallback are sent the same mapping.
    ``usage_wanted`` is a stream's caller asking for token counts. ``learnt`` carries what a request hook found
    out to its own response hook, under names of its own.

    Two fields are for request hooks to set. ``answer`` is the whole answer's text: no later policy and no provider
    is asked then. ``seconds`` is how long the providers may take, where that is less than what is configured; a caller
    can have set it, so that a hook sets ``within`` of it. ``only`` are the model names that may be asked, None for all.
    """

    request_id: str
    surface: Surface
    operation: Operation
    model: str
    params: Mapping[str, Any]
    identity: Identity
    stream: bool = False
    usage_wanted: bool = False
    question: Question | None = None
    answer: str | None = None
    seconds: float | None = None
    only: frozenset[str] | None = None
    learnt: Mapping[str, Any] = field(default_factory=nothing)
    trail: Trail = field(default_factory=Trail, compare=False)

    def within(self, seconds: float) -> float:
        """``seconds``, or what the call has where that is less."""
        return seconds if self.seconds is None else min(seconds, self.seconds)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a reply; a whole reply is a stream of one.

    For CHAT ``data`` is OpenAI's ``chat.completion.chunk`` object (``choices[].delta``), whether the
    provider streamed or not; for EMBEDDING the whole reply's body. For every other operation it is one of
    ``{"body": object}``, a whole reply; ``{"event": object}``, one of a stream; and ``{"bytes": bytes,
    "content_type": str}``, a piece of what is no JSON. ``notes`` is what
    policies add to an Ivy reply; later notes win:

    ``actions``, ``sources``   as in the envelope; sources by falling worth
    ``modal``                  ``{"type", "payload"}``: the reply is a modal, and its text is what is remembered of it
    ``modal_source``           where its payload is from: ``model``, ``repaired`` or ``context``
    ``maybe_modal``            the same, beside a conversational reply
    ``intent``, ``confidence`` what the query was taken for, 0 to 1
    ``degraded``               True where no provider answered
    ``retrieval``              ``{"milliseconds", "confidence"}`` of an answer from the knowledge base: the time of the
                               search, and the best passage's score, 0 where the answer is a gap
    ``answer``                 the answer as an object, where one is wanted; its text is what is remembered of it
    """

    data: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=nothing)

    @property
    def text(self) -> str:
        """The text this chunk adds to the first choice, or an empty string."""
        for choice in self.data.get("choices") or ():
            if choice.get("index", 0) == 0:
                return (choice.get("delta") or {}).get("content") or ""
        return ""

    @property
    def finish(self) -> str | None:
        """Why the first choice ended, where this chunk says so."""
        for choice in self.data.get("choices") or ():
            if choice.get("index", 0) == 0:
                reason: str | None = choice.get("finish_reason")
                return reason
        return None

    @classmethod
    def saying(cls, text: str, notes: Mapping[str, Any] = NOTHING, *, finish: str | None = None) -> Chunk:
        """A chunk of a policy's own words, or of notes only."""
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        return cls({"choices": [choice] if text or finish else []}, notes)

"""A policy: one behaviour of the product, and what it is given when it is built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from gateway.contract.call import Call, Chunk, Owner
from gateway.contract.knowledge import Knowledge

Shape = TypeVar("Shape", bound=BaseModel)


Place = Sequence[str | int]


class Configured(BaseModel):
    """The base of a policy's options and of what stands in its files: no unknown key, no silent conversion, no
    change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MisplacedError(ValueError):
    """Raised by a validator of a file as a whole: ``at`` are the keys and indices that lead to what is wrong."""

    def __init__(self, message: str, at: Place) -> None:
        super().__init__(message)
        self.at = tuple(at)


class Files(Protocol):
    """The operator's configuration folder, as a policy may read it while it is built."""

    def text(self, name: str) -> str:
        """The text of a file named relative to the folder; raises ValueError if it can't be read."""

    def yaml(self, name: str, shape: type[Shape]) -> Shape:
        """A YAML file as the pydantic model ``shape``; raises ValueError with file, line and what is wrong."""

    def wrong(self, name: str, at: Place, message: str) -> ValueError:
        """The error to raise for what is wrong at a place of a YAML file; it names file and line."""


class Model(Protocol):
    """The models, for a policy that has a question of its own."""

    async def ask(self, call: Call) -> str:
        """The whole answer to ``call``, which passes the policies listed after the asking one.

        Raises GatewayError where no provider answers, or its answer breaks off.
        """


class Turn(NamedTuple):
    """One exchange of a conversation, as plain text: what was asked, and the whole answer."""

    asked: str
    answered: str


class Recalled(NamedTuple):
    """A conversation so far, oldest turn first. ``mark`` belongs to this moment; see ``Memory.remember``."""

    turns: Sequence[Turn]
    mark: int


class Kept(NamedTuple):
    """What is kept of one conversation; ``idle_seconds`` since it was last used."""

    conversation: str
    turns: Sequence[Turn]
    idle_seconds: float


class Usage(NamedTuple):
    """How much a memory holds, over all users; ``bytes`` are of the process's memory, ``most`` is their bound."""

    bytes: int
    conversations: int
    most: int


class Memory(Protocol):
    """Conversations by owner and id, each bounded, and all together."""

    async def recall(self, owner: Owner, conversation: str) -> Recalled:
        """The turns of a conversation; none where it is not known."""

    async def remember(self, owner: Owner, conversation: str, turn: Turn, mark: int) -> None:
        """Add a whole turn. ``mark`` is of the recall that began it: where the owner was forgotten since, it is not
        kept, or a reply under way would bring back what someone asked to be forgotten."""

    async def forget(self, owner: Owner) -> int:
        """Forget all of an owner's conversations; returns how many there were."""

    async def kept(self, owner: Owner) -> Sequence[Kept]:
        """All of an owner's conversations, the last used first."""

    def usage(self) -> Usage:
        """What is held now."""


class Found(NamedTuple):
    """A piece of personal data in a text, at ``text[start:end]``; ``kind`` is ``email``, ``phone`` or an
    identifier's configured name."""

    start: int
    end: int
    kind: str


class Personal(Protocol):
    """Knows personal data when it sees it: what never stands in a log."""

    def find(self, text: str) -> Sequence[Found]:
        """All that is found, in order, without overlaps; at a cost that grows with the text's length only."""

    def kinds(self) -> Sequence[str]:
        """Every kind that can be found."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the engine hands to a policy when it is built. ``local`` says that no provider can be called, and that the
    small model on this machine stands in for all of them."""

    files: Files
    model: Model
    memory: Memory
    personal: Personal
    knowledge: Knowledge | None = None
    local: bool = False


class Policy:
    """One behaviour of the product, as hooks around the provider's call.

    A policy is built once and keeps nothing of a request.
    """

    #: What the policy's ``options`` in ``config/gateway.yaml`` may hold.
    Options: ClassVar[type[BaseModel]] = Configured
    #: The setting in ``flags`` of ``config/gateway.yaml`` that switches the policy off, if any.
    flag: ClassVar[str | None] = None
    #: Names of policies that must stand before this one where they are listed, since it goes on with their work.
    after: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: Any = None, services: Services | None = None) -> None:
        """``options`` are validated ``Options``; raise ValueError for what is wrong with them beyond their shape."""

    async def request(self, call: Call) -> Call:
        """Before the provider is called. May return a changed call or raise Refusal."""
        return call

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """Around the reply; mostly an async generator. ``call`` is what the request hooks made of it.

        The provider is asked when the first chunk is, so that a provider's failure is raised there, as GatewayError.
        """
        del call
        return chunks

    def report(self) -> str:
        """What an operator may ask to see of it (``python -m gateway show NAME``); empty where there is nothing."""
        return ""

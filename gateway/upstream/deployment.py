"""A deployment: one model at one provider under one key, and what the engine needs to know of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from gateway.billing import Price
from gateway.contract import Call, Chunk, Operation, nothing

UNKNOWN_MAY = frozenset({Operation.CHAT, Operation.EMBEDDING})
#: What a lane yields while it keeps a reply back, to gather it or to see whether it is whole: more of it has come.
TICK: Final = Chunk({"choices": []})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One entry of ``model_list``.

    ``where`` is its file and line. ``id`` is the breaker's name and stays the same over reloads. ``group`` is the
    name callers use. ``lane`` carries its chat calls. ``litellm_params`` and ``model_info`` are LiteLLM's entry.
    ``unusable`` says why it is never called (a key that is not set), else None. ``modes`` are the operations it is
    known to do, none of them for a model of another kind (images, rerank); None where nobody knows the model.
    ``doubt`` is what makes it doubtful that it can be called, else None. ``window`` is how many tokens it takes in,
    None where nobody says; ``prefills`` whether it goes on with an answer whose beginning it is given as its own.
    ``first_token_seconds`` and ``attempt_seconds`` are its entry's own limits, in place of the settings'.
    ``native`` is that its server speaks OpenAI's wire beyond chat, and nothing but its address and key is special.
    ``price`` is what its work costs, ``longest_answer`` how many tokens it answers with at most; None for unknown.
    """

    id: str
    group: str
    where: str = ""
    provider: str
    model: str
    lane: str
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    defaults: Mapping[str, Any] = field(default_factory=nothing)
    modes: frozenset[Operation] | None = None
    unusable: str | None = None
    doubt: str | None = None
    window: int | None = None
    prefills: bool = False
    native: bool = False
    first_token_seconds: float | None = None
    attempt_seconds: float | None = None
    price: Price | None = None
    longest_answer: int | None = None
    litellm_params: Mapping[str, Any] = field(default_factory=nothing, repr=False)
    model_info: Mapping[str, Any] = field(default_factory=nothing)

    def does(self, operation: Operation) -> bool:
        """Whether it may be asked for ``operation``; of a model that nobody knows, chat and embeddings are tried."""
        return operation in (UNKNOWN_MAY if self.modes is None else self.modes)


class Lane(Protocol):
    """One way to carry an attempt. There are three: the lean lane for chat, the native one for what else OpenAI's wire
    has, and LiteLLM's own. ``name`` is the word for it in the log."""

    name: str

    def streams(self, deployment: Deployment, call: Call) -> bool:
        """Whether the provider streams its reply, if only to be gathered here, so that a stream's limits guard it."""

    def attempt(self, deployment: Deployment, call: Call) -> AsyncGenerator[Chunk, None]:
        """Call the provider and yield what it says; raises ``failures.Failure`` and nothing else.

        A reply to a call that is not streamed is one chunk. ``TICK`` stands for what has come and is kept back.
        Closing the generator ends the provider's call. A reply that ends without its finish reason is a Failure, not
        an end.
        """


class Picker(Protocol):
    """Chooses among the deployments of a group."""

    async def pick(self, group: str, excluded: frozenset[str]) -> Deployment | None:
        """A deployment of ``group`` that is not in ``excluded`` (of ids), or None."""

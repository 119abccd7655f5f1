"""What an attempt used, and what that cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.contract import NOTHING, Call, Chunk, Spent
from gateway.prompt_size import prompt_size

Json = Mapping[str, Any]
CHARACTERS_PER_TOKEN = 4
#: Of one attempt; what a provider counts beyond is no count.
MOST_TOKENS = 10**9
#: Of a reply that is gathered out of sight: what a model says between two signs of life, at some 80 tokens a second.
TOKENS_PER_TICK = 4
#: Operations that are answered in words, which are tokens whether or not the provider counts them.
IN_WORDS = frozenset({"chat", "responses"})
#: Of a delta: what is said in words.
TEXTS = ("content", "reasoning_content", "refusal")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a token, an image, a character, a second; None where nobody says. What is cached costs as much as
    any other token of the prompt where it has no price of its own."""

    input_token: float | None = None
    cached_token: float | None = None
    output_token: float | None = None
    output_image: float | None = None
    input_character: float | None = None
    input_second: float | None = None

    def of(self, used: Used) -> float | None:
        """What it costs; None where no price is known for what was used."""
        cached = self.input_token if self.cached_token is None else self.cached_token
        parts = (
            _times(self.input_token, used.prompt - used.cached),
            _times(cached, used.cached),
            _times(self.output_token, used.completion),
            # A model that counts an image's tokens is paid by them.
            _times(self.output_image, 0 if used.completion else used.images),
            _times(self.input_character, used.characters),
            _times(self.input_second, 0 if used.prompt else used.seconds),
        )
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


FREE_OF_PRICE = Price()


class Used(NamedTuple):
    """Of one attempt: tokens, images that were made, characters that were spoken, seconds of a recording."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    images: int = 0
    characters: int = 0
    seconds: float = 0.0


class Meter:
    """Takes in what a provider says, and tells what that used."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._usage: Json = NOTHING
        self._characters = self._ticks = self._images = 0
        self._begun = False

    def tick(self) -> None:
        """More of the reply has come, and is kept back."""
        self._begun = True
        self._ticks += 1

    def note(self, chunk: Chunk) -> None:
        """Take in a chunk."""
        self._begun = True
        data = chunk.data
        choices = data.get("choices")
        if choices is None:
            self._note_other(data)
            return
        usage = data.get("usage")
        if isinstance(usage, Mapping):
            self._usage = usage
        for choice in choices:
            delta = choice.get("delta")
            if delta:
                self._characters += _characters(delta)

    def spent(self, model: str, price: Price | None) -> Spent | None:
        """What the attempt used by now; None where nothing is known to have been used: it was refused, was never
        connected, or nobody counts what it does."""
        if not self._begun:
            return None
        used = self._counted()
        estimated = not (used.prompt or used.completion) and self._call.operation.value in IN_WORDS
        if estimated:
            used = self._estimated()
        cost = (price or FREE_OF_PRICE).of(used)
        if cost is None and not (used.prompt or used.completion):
            return None
        return Spent(model, used.prompt, used.cached, used.completion, cost, estimated)

    def _note_other(self, data: Json) -> None:
        """What is no chat: a whole body, or an event of one."""
        inner = data.get("body") or data.get("event") or data
        if not isinstance(inner, Mapping):
            return
        delta = inner.get("delta")
        self._characters += len(delta) if isinstance(delta, str) else 0
        response = inner.get("response")
        held = response if isinstance(response, Mapping) else inner
        usage = held.get("usage")
        if isinstance(usage, Mapping):
            self._usage = usage
        if "image" in self._call.operation.value and isinstance(inner.get("data"), list):
            self._images += len(inner["data"])

    def _estimated(self) -> Used:
        said = self._characters // CHARACTERS_PER_TOKEN + self._ticks * TOKENS_PER_TICK
        return Used(prompt_size(self._call.params).likely, 0, said)

    def _counted(self) -> Used:
        usage = self._usage
        prompt = _count(usage, "prompt_tokens", "input_tokens")
        cached = _count(_details(usage, "prompt_tokens_details", "input_tokens_details"), "cached_tokens")
        spoken = self._call.params.get("input") if self._call.operation.value == "speech" else None
        return Used(
            prompt,
            min(cached, prompt),
            _count(usage, "completion_tokens", "output_tokens"),
            self._images,
            len(spoken) if isinstance(spoken, str) else 0,
            _seconds(usage),
        )


def _characters(delta: Json) -> int:
    content = delta.get("content")
    if isinstance(content, str) and len(delta) == 1:  # as nearly all are
        return len(content)
    found = sum(len(delta[name]) for name in TEXTS if isinstance(delta.get(name), str))
    for call in delta.get("tool_calls") or ():
        function = call.get("function")
        arguments = function.get("arguments") if isinstance(function, Mapping) else None
        found += len(arguments) if isinstance(arguments, str) else 0
    return found


def _times(price: float | None, amount: float) -> float | None:
    return price * amount if price is not None and amount else None


def _count(usage: Json, *names: str) -> int:
    """The first of these that is a count; a provider may send anything."""
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_TOKENS:
            return value
    return 0


def _details(usage: Json, *names: str) -> Json:
    return next((usage[name] for name in names if isinstance(usage.get(name), Mapping)), NOTHING)


def _seconds(usage: Json) -> float:
    value = usage.get("seconds")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0

"""What a caller asked and what the double answers, in no provider's format.

Markers in the last user text choose the answer: `[[say:TEXT]]` exactly TEXT; `[[words:N]]` the words
`w1 ... wN`; `[[canon]]` the sixty words of `manner.CANON`; `[[echo]]` all that was sent, joined by newlines.
Otherwise the answer names provider and model and quotes the text. Where the request holds the beginning of an
answer, `Manner` says what is made of it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from . import schema
from .manner import CANON, Manner

SAY = re.compile(r"\[\[say:(.*?)\]\](?!\])", re.DOTALL)
WORDS = re.compile(r"\[\[words:(\d{1,7})\]\]")
PIECE = re.compile(r"\s*\S+|\s+")
QUOTED = 4  # words that show that an answer's end is spoken of
PLAINLY = Manner()

Finish = Literal["stop", "length", "tools", "filter"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is its JSON Schema."""

    name: str
    parameters: Any


@dataclass(frozen=True)
class Ask:
    """A chat request. `texts` holds every text sent, in order, tool results and call arguments included.

    `forced` is None when the model may choose, else the tools it must choose from (empty: any).
    `json` is None for free text, True for any JSON object, else a JSON Schema. `shown` is the model the
    reply names. `tool_result` is the last message's text if that is a tool's result. `begun` is the last answer in
    the request with the user's text before it, where only user messages, or none (`prefilled`), follow.
    """

    id: int
    provider: str
    model: str
    shown: str
    texts: list[str] = field(default_factory=list)
    last_user: str = ""
    tool_result: str | None = None
    begun: tuple[str, str] | None = None
    prefilled: bool = False
    tools: list[Tool] = field(default_factory=list)
    forced: tuple[str, ...] | None = None
    parallel: bool = True
    json: Any = None
    n: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    array: bool = False  # Gemini's stream without alt=sse: one JSON array
    usage: bool = False
    logprobs: bool = False

    @cached_property
    def prompt_words(self) -> int:
        """Words in all that was sent: what usage calls prompt tokens."""
        return sum(map(count_words, self.texts))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asks for."""

    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's turn: text in the pieces a stream sends, or tool calls. `absent`: no content at all."""

    pieces: Sequence[str] = ()
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    refusal: str | None = None
    absent: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def words(self) -> int:
        """Words of the text or the calls' arguments: what usage calls completion tokens."""
        return count_words(self.text) + sum(count_words(json.dumps(call.arguments)) for call in self.calls)


def count_words(text: str) -> int:
    """Words divided by white space."""
    return len(text.split())


def compose(ask: Ask, manner: Manner = PLAINLY) -> Answer:
    """The healthy answer to `ask`."""
    rest = _rest(ask, manner)
    if rest is None and (called := _chosen(ask)):
        return Answer(calls=tuple(ToolCall(tool.name, _arguments(tool)) for tool in called), finish="tools")
    limited = _limited(ask, _stopped(ask, _text(ask)) if rest is None else rest)
    return replace(limited, pieces=manner.cut(list(limited.pieces)))


def _rest(ask: Ask, manner: Manner) -> str | None:
    """What is to follow the beginning of an answer; None where the request holds none, or it is not to be continued.

    A whole answer is the beginning of none, unless the request ends with it, or quotes its last words: then nothing is
    left to say.
    """
    question, begun = ask.begun or ("", "")
    if not begun or manner.continuation == "ignore" or "[[echo]]" in question:
        return None
    whole = _stopped(ask, _text(replace(ask, last_user=question, tool_result=None)))
    words = begun.split()[-QUOTED:]
    quoted = len(words) == QUOTED and " ".join(words) in ask.last_user
    if not whole.startswith(begun) or (whole == begun and not (ask.prefilled or quoted)):
        return None
    return manner.rest(whole, begun)


def _chosen(ask: Ask) -> list[Tool]:
    if not ask.tools or ask.tool_result is not None:
        return []
    allowed = [tool for tool in ask.tools if not ask.forced or tool.name in ask.forced]
    wanted = ask.last_user.lower()
    if "use both tools" in wanted and ask.parallel:
        return allowed
    asked = ask.forced is not None or "use the tool" in wanted or "use both tools" in wanted
    return allowed[:1] if asked else []


def _arguments(tool: Tool) -> Any:
    made = schema.instance(tool.parameters)
    return made if isinstance(made, dict) else {}


def _text(ask: Ask) -> str:
    plain = f'Answer from {ask.provider} {ask.model}: you said "{ask.last_user}"'
    if "[[" in ask.last_user and (marked := _marked(ask)) is not None:
        return marked
    if ask.json is True:
        return json.dumps({"answer": plain}, ensure_ascii=False)
    if ask.json is not None:
        return json.dumps(schema.instance(ask.json), ensure_ascii=False)
    if ask.tool_result is not None:
        return f'Answer from {ask.provider} {ask.model}: the tool said "{ask.tool_result}"'
    return plain


def _marked(ask: Ask) -> str | None:
    if found := SAY.search(ask.last_user):
        return found[1]
    if found := WORDS.search(ask.last_user):
        return " ".join(f"w{number}" for number in range(1, int(found[1]) + 1))
    if "[[canon]]" in ask.last_user:
        return CANON
    return "\n".join(ask.texts) if "[[echo]]" in ask.last_user else None


def _stopped(ask: Ask, text: str) -> str:
    """Ends the text before the first stop sequence."""
    places = [place for stop in ask.stop if stop and (place := text.find(stop)) >= 0]
    return text[: min(places)] if places else text


def _limited(ask: Ask, text: str) -> Answer:
    """Ends the text after `max_tokens` words."""
    pieces = PIECE.findall(text)
    if ask.max_tokens is not None and len(pieces) > ask.max_tokens:
        return Answer(pieces=pieces[: ask.max_tokens], finish="length")
    return Answer(pieces=pieces)

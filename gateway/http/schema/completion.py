"""``POST /v1/completions``: OpenAI's older body, field by field."""

from __future__ import annotations

from typing import Annotated, Any, Required

from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.chat import Stop, StreamOptions
from gateway.http.schema.fields import STRICT, Bias, Count, Model, Penalty, Short, Text, Unit, shape

#: Each prompt is a call of its own.
MOST_PROMPTS = 128


def _no_tokens(value: Any) -> Any:
    """Tokens are numbers of one model's vocabulary, and a chat is text."""
    if isinstance(value, list) and any(isinstance(one, int | list) for one in value):
        raise ValueError("the models here take text, not tokens")
    return value


Prompt = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[list[Text], Tag("<list>"), Field(min_length=1, max_length=MOST_PROMPTS)],
    Discriminator(shape),
]


@STRICT
class CompletionBody(TypedDict, total=False):
    """``POST /v1/completions``."""

    model: Required[Model]
    prompt: Required[Annotated[Prompt, BeforeValidator(_no_tokens)]]
    stream: bool | None
    stream_options: StreamOptions | None
    best_of: Annotated[int, Field(ge=1, le=20)] | None
    echo: bool | None
    frequency_penalty: Penalty | None
    logit_bias: dict[str, Bias] | None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None
    max_tokens: Count | None
    n: Annotated[int, Field(ge=1, le=128)] | None
    presence_penalty: Penalty | None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None
    stop: Stop | None
    suffix: str | None
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    top_p: Unit | None
    user: Short | None


COMPLETION: TypeAdapter[CompletionBody] = TypeAdapter(CompletionBody)

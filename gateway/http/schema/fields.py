"""What the fields of all bodies are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, with_config

from gateway.http.json_schema import bounded

STRICT = with_config(ConfigDict(extra="forbid", strict=True))
LOOSE = with_config(ConfigDict(extra="allow", strict=True))

Text = Annotated[str, Field(max_length=2_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Schema = Annotated[dict[str, Any], AfterValidator(bounded)]
NonEmpty = Annotated[Text, Field(min_length=1)]
Short = Annotated[str, Field(max_length=512)]
Model = Annotated[str, Field(min_length=1, max_length=256)]
Unit = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Bias = Annotated[float, Field(ge=-100, le=100)]


def by(key: str) -> Callable[[Any], str]:
    """A discriminator: the value of ``key``. Tags stand in angle brackets, so that they can be told from keys."""

    def tag(value: Any) -> str:
        return f"<{value.get(key)}>" if isinstance(value, dict) else "<>"

    return tag


def shape(value: Any) -> str:
    """A discriminator: text, a list, or a mapping."""
    if isinstance(value, list):
        return "<list>"
    return "<mapping>" if isinstance(value, dict) else "<text>"

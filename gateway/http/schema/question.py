"""The assistant's question: the wire contract's body, field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import LOOSE, STRICT, Short, Text

Query = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")]


@LOOSE
class Turn(TypedDict):
    role: Literal["user", "assistant"]
    content: Text


@LOOSE
class Context(TypedDict, total=False):
    """Free-form, but for the keys that mean something."""

    lead: dict[str, Any] | None
    conversation_id: Annotated[str, Field(max_length=256)] | None
    conversation_history: list[Turn] | None


@STRICT
class QuestionBody(TypedDict, total=False):
    """``POST /ai/router/v2`` and ``POST /ai/router/``."""

    query: Required[Query]
    context: Context | None
    ui_capabilities: Annotated[list[Short], Field(max_length=100)] | None
    stream: bool | None


QUESTION: TypeAdapter[QuestionBody] = TypeAdapter(QuestionBody)

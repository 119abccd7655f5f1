"""The question to the knowledge base: the wire contract's body, field by field."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from gateway.http.schema.fields import LOOSE, STRICT, Short
from gateway.http.schema.question import Context, Query


@LOOSE
class KnowledgeContext(Context, total=False):
    """Free-form, but for the keys that mean something: passages of these categories only."""

    category: Short | None
    categories: Annotated[list[Short], Field(max_length=100)] | None


@STRICT
class KnowledgeBody(TypedDict, total=False):
    """``POST /rag/query``."""

    query: Required[Query]
    context: KnowledgeContext | None
    limit: Annotated[int, Field(ge=1, le=20)] | None
    json_mode: bool | None


KNOWLEDGE: TypeAdapter[KnowledgeBody] = TypeAdapter(KnowledgeBody)

"""One route, as the document tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

Json = dict[str, Any]
JSON, EVENTS, HTML = "application/json", "text/event-stream", "text/html"
FORM, TEXT, BYTES = "multipart/form-data", "text/plain", "application/octet-stream"


class Kind(StrEnum):
    """What a route does decides which headers it takes and gives, and how it can fail."""

    MODEL = "calls a model"
    COUNTED = "counts against the limits, and calls no model"
    PLAIN = "tells what is here"
    STATIC = "tells the same from the first moment on"
    OPEN = "asks for no key"


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query; ``schema`` is its JSON Schema."""

    name: str
    schema: Mapping[str, Any]
    says: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A method at a path, written as in the route table.

    ``reply`` is the type of the JSON reply, or the schema's of another media type. ``more`` are the media types that
    it answers with besides, and what they hold. ``example`` is a body that works on a gateway as it is shipped.
    ``statuses`` are those beside its kind's. ``asked`` gives an example for each name in the path.
    """

    method: str
    path: str
    group: str
    summary: str
    reply: Any
    kind: Kind = Kind.PLAIN
    says: str = ""
    body: TypeAdapter[Any] | None = None
    takes: str = JSON
    example: Json | None = None
    gives: str = JSON
    more: Mapping[str, str] | None = None
    query: tuple[Query, ...] = ()
    asked: Mapping[str, str] | None = None
    statuses: tuple[int, ...] = ()

"""OpenAI's routes whose body is a form: transcriptions, translations, edited images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from starlette.routing import Route
from starlette.types import Scope

from gateway.contract import Call, Identity, Operation
from gateway.engine import Engine
from gateway.http import native, schema
from gateway.http.endpoint import ModelEndpoint
from gateway.http.multipart import read_form
from gateway.http.schema.image_edit import IMAGE_EDIT
from gateway.http.schema.transcription import TRANSCRIPTION, TRANSLATION

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A route: its path, what it asks of a model, and the table that its form is held against."""

    path: str
    operation: Operation
    table: TypeAdapter[Any]

    def parse(self, engine: Engine, scope: Scope, form: Json, identity: Identity) -> Call:
        """A call, its numbers and booleans no longer text; raises InvalidRequest, or NotFound saying what to
        configure."""
        return native.call(engine, scope, schema.check(self.table, form), identity, self.operation)


ROWS: Final[Sequence[Row]] = (
    Row("/v1/audio/transcriptions", Operation.TRANSCRIPTION, TRANSCRIPTION),
    Row("/v1/audio/translations", Operation.TRANSLATION, TRANSLATION),
    Row("/v1/images/edits", Operation.IMAGE_EDIT, IMAGE_EDIT),
)


def routes(engine: Callable[[], Engine]) -> list[Route]:
    """The routes for the application's table."""
    return [
        Route(row.path, ModelEndpoint(engine, row.parse, native.render, read=read_form), methods=["POST"])
        for row in ROWS
    ]

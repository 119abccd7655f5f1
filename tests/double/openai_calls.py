"""Gives the turn of a call to OpenAI its reply, by the call's operation."""

from collections.abc import Callable
from typing import Any

from . import form, media, openai_ask, openai_wire, responses, stored, transcription
from .media import Reply
from .request import Request
from .routes import Route
from .stored import Stored
from .turn import Turn

Json = dict[str, Any]

FORMS: dict[str, Callable[[form.Form, int], Reply]] = {
    "audio/transcriptions": transcription.transcription,
    "audio/translations": transcription.translation,
    "images/edits": media.image_edit,
}
BODIES: dict[str, Callable[[Json, int], Reply]] = {
    "moderations": media.moderation,
    "images/generations": media.image_generation,
    "audio/speech": media.speech,
    "embeddings": lambda body, call_id: Reply(openai_wire.embeddings(body)),
}
#: By operation: what is kept, the id in the path, the request.
KEPT: dict[str, Callable[[Stored, str, Request], Any]] = {
    "GET models": lambda kept, name, request: openai_wire.models(),
    "GET files": lambda kept, name, request: stored.listed(kept.files, request.query),
    "GET files/id": lambda kept, name, request: kept.file(name),
    "GET files/id/content": lambda kept, name, request: kept.content(name),
    "DELETE files/id": lambda kept, name, request: kept.delete_file(name),
    "GET batches": lambda kept, name, request: stored.listed(kept.batches, request.query),
    "GET batches/id": lambda kept, name, request: kept.batch(name),
    "POST batches/id/cancel": lambda kept, name, request: kept.cancel_batch(name),
    "GET responses/id": lambda kept, name, request: responses.fetch(kept, name),
    "DELETE responses/id": lambda kept, name, request: responses.delete(kept, name),
    "POST responses/id/cancel": lambda kept, name, request: responses.cancel(kept, name),
    "GET responses/id/input_items": lambda kept, name, request: responses.items(kept, name, request.query),
}
BINARY = "application/octet-stream"


def prepare(turn: Turn, route: Route, request: Request, body: Json, fields: form.Form | None, kept: Stored) -> None:
    """Sets the turn's `ask`, or its reply. `fields` is a form, where the body was one. Raises ValueError and
    NotAnsweredError."""
    if route.operation in KEPT:
        _reply(turn, Reply(KEPT[route.operation](kept, route.thing, request)))
    elif route.operation == "chat/completions":
        turn.ask = openai_ask.read(body, turn.call.id)
        turn.call.stream = turn.ask.stream
    elif route.operation == "responses":
        turn.ask = responses.read(body, turn.call.id, kept)
        turn.wire = responses.Responses(body, kept)
        turn.call.stream = turn.ask.stream
    elif route.operation == "files":
        _reply(turn, Reply(kept.upload(_form(fields))))
    elif route.operation == "batches":
        _reply(turn, Reply(kept.add_batch(body)))
    elif route.operation in FORMS:
        _reply(turn, FORMS[route.operation](_form(fields), turn.call.id))
    else:
        _reply(turn, BODIES[route.operation](body, turn.call.id))


def _form(fields: form.Form | None) -> form.Form:
    if fields is None:
        raise ValueError("Invalid Content-Type header. Expected multipart/form-data.")
    return fields


def _reply(turn: Turn, reply: Reply) -> None:
    turn.payload, turn.listed = reply.payload, reply.listed
    turn.media = reply.kind or (BINARY if isinstance(reply.payload, bytes) else "")
    turn.call.stream = reply.streamed

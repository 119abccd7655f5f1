"""What OpenAI keeps for its callers: ``/v1/files``, ``/v1/batches``, and the responses that were stored."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from starlette.datastructures import QueryParams
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.contract import Forbidden, GatewayError, InvalidRequest, NotFound
from gateway.engine import Engine
from gateway.http import batches, schema
from gateway.http.body import read_json
from gateway.http.caller import CallerWatch
from gateway.http.endpoint import Read
from gateway.http.multipart import read_form
from gateway.http.reply import send_json, start
from gateway.http.schema.batches import BATCH, BATCHES
from gateway.http.schema.files import FILE, FILES
from gateway.http.schema.kept_responses import INPUT_ITEMS, RESPONSE

Json = dict[str, Any]
#: Makes of a valid body what is sent.
Prepare = Callable[[Engine, Scope, Json], Awaitable[Json]]
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
#: A file can be a web page; no browser is to show it as one of this origin's.
BINARY = {"X-Content-Type-Options": "nosniff"}


async def _file(engine: Engine, scope: Scope, form: Json) -> Json:
    checked = schema.check(FILE, form)
    fields: Json = {**checked}
    if fields["purpose"] == "batch":
        fields["file"] = await batches.translated(engine, scope.get("key"), form["file"])
    expiry = fields.pop("expires_after", None) or {}
    return fields | {f"expires_after[{name}]": value for name, value in expiry.items()}


async def _batch(engine: Engine, scope: Scope, body: Json) -> Json:
    del engine
    checked = schema.check(BATCH, body)
    key = scope.get("key")
    if key is not None and key.tokens_per_minute is not None:
        raise Forbidden("This key's tokens are limited, and what a batch takes is not counted.", code="not_counted")
    return {**checked}


@dataclass(frozen=True, slots=True)
class Row:
    """A route: ``path`` is this gateway's, and OpenAI's. ``query`` is the table that its query is held against;
    ``read`` and ``prepare`` make what is sent of the body; a ``file``'s reply is bytes."""

    method: str
    path: str
    query: TypeAdapter[Any] | None = None
    read: Read | None = None
    prepare: Prepare | None = None
    file: bool = False

    @property
    def lists(self) -> bool:
        """Whether it tells of what others keep."""
        return self.method == "GET" and "{" not in self.path


ROWS: Final[Sequence[Row]] = (
    Row("POST", "/v1/files", read=read_form, prepare=_file),
    Row("GET", "/v1/files", FILES),
    Row("GET", "/v1/files/{id}"),
    Row("GET", "/v1/files/{id}/content", file=True),
    Row("DELETE", "/v1/files/{id}"),
    Row("POST", "/v1/batches", read=read_json, prepare=_batch),
    Row("GET", "/v1/batches", BATCHES),
    Row("GET", "/v1/batches/{id}"),
    Row("POST", "/v1/batches/{id}/cancel"),
    Row("GET", "/v1/responses/{id}", RESPONSE),
    Row("DELETE", "/v1/responses/{id}"),
    Row("POST", "/v1/responses/{id}/cancel"),
    Row("GET", "/v1/responses/{id}/input_items", INPUT_ITEMS),
)


def routes(engine: Callable[[], Engine]) -> list[Route]:
    """The routes for the application's table: one a path, whatever its methods."""
    paths = dict.fromkeys(row.path for row in ROWS)
    by_path = {path: {row.method: row for row in ROWS if row.path == path} for path in paths}
    return [Route(path, KeptEndpoint(engine, rows), methods=list(rows)) for path, rows in by_path.items()]


class KeptEndpoint:
    """ASGI endpoint of one path. ``rows`` are by method."""

    def __init__(self, engine: Callable[[], Engine], rows: Mapping[str, Row]) -> None:
        self._engine = engine
        self._rows = rows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = self._engine()
        row = self._rows["GET" if scope["method"] == "HEAD" else scope["method"]]
        path, query = _path(row, scope), _query(row, scope)
        scope.setdefault("log", {})["operation"] = row.path.split("/")[2]
        params = None
        if row.read is not None and row.prepare is not None:
            body = await row.read(scope, receive, engine.settings.gateway.server)
            params = await row.prepare(engine, scope, body)
        window = engine.admission.admit(scope["identity"], scope.get("key")).headers()
        try:
            async with CallerWatch(receive):
                if row.file:
                    await _send_file(send, engine.kept.content(path), window)
                else:
                    reply = await engine.kept.json(row.method, path, query, params)
                    await send_json(send, reply, headers=window)
        except GatewayError as error:
            error.headers = {**window, **error.headers}
            raise


def _path(row: Row, scope: Scope) -> str:
    """OpenAI's path below ``/v1``; raises Forbidden for a list that is not the caller's to see, and NotFound."""
    if row.lists and scope.get("key") is not None:
        message = "A list shows what everybody keeps, so that it is the administrator's; ask for a single id."
        raise Forbidden(message, code="administrator_only")
    name = scope["path_params"].get("id", "")
    if name and not ID.fullmatch(name):
        raise NotFound("An id has up to 128 letters, digits, '-' and '_'.", code="not_found", param="id")
    return row.path.removeprefix("/v1/").replace("{id}", name)


def _query(row: Row, scope: Scope) -> list[tuple[str, str]]:
    """The query as it is sent on; raises InvalidRequest naming the parameter that is wrong."""
    sent = QueryParams(scope.get("query_string", b"")).multi_items()
    asked: Json = {}
    for written, value in sent:
        name = written.removesuffix("[]")
        if name == "include":
            asked.setdefault(name, []).append(value)
        elif name in asked:
            raise InvalidRequest(f"The parameter '{name[:100]}' was sent more than once.", param=name[:100])
        else:
            asked[name] = value
    if row.query is not None:
        schema.check(row.query, asked)
    elif asked:
        name = next(iter(asked))[:100]
        raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return [(f"{name}[]" if name == "include" else name, value) for name, value in _pairs(asked)]


def _pairs(asked: Json) -> list[tuple[str, str]]:
    return [(name, value) for name, values in asked.items() for value in (values if name == "include" else [values])]


async def _send_file(send: Send, content: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> None:
    """An error after the first bytes leaves the response unfinished, so that the server breaks the connection."""
    async with aclosing(content) as parts:
        first = await anext(parts, b"")
        await send(start(200, "application/octet-stream", {**headers, **BINARY}.items()))
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})

"""The OpenAPI document (version 3.1), made of the rows when it is first asked for.

It tells what the gateway takes and gives whatever is configured, so that it names no model of this one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from gateway import __version__
from gateway.http.auth import OWN_HEADERS
from gateway.http.openapi import errors, headers
from gateway.http.openapi.row import Json, Kind, Row
from gateway.http.openapi.rows import GROUPS, ROWS
from gateway.http.openapi.schemas import gather

IN_PATH = re.compile(r"\{(\w+)(?::\w+)?\}")
ABOUT = """\
A gateway between an application and its model providers: OpenAI's, Anthropic's and Gemini's formats, answered by the
models that are configured, and the Ivy assistant. A field that is not told of here is refused. Where no key is
configured none is asked for, and only the gateway's own machine is served. A request's head that is too large gets
431, one that does not arrive in time 408, on every path.
"""
NAME: Json = {"type": "string", "minLength": 1, "maxLength": 256}


@cache
def document() -> Json:
    """The whole document; whoever reads it changes nothing in it."""
    return build(ROWS)


def build(rows: Sequence[Row]) -> Json:
    """The document of these routes."""
    bodies = [row.body for row in rows if row.body is not None]
    kinds = [kind for kind, _ in errors.BODIES.values()]
    schemas, components = gather([*bodies, *(row.reply for row in rows), *kinds])
    taken, given = iter(schemas), iter(schemas[len(bodies) :])
    paths: dict[str, Json] = {}
    for row in rows:
        operation = _operation(row, next(taken) if row.body is not None else None, next(given))
        paths.setdefault(template(row.path), {})[row.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ivy Gateway", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": says} for name, says in GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            **headers.components(),
            "responses": dict(sorted(one for row in rows for one in errors.components(row))),
            "securitySchemes": _schemes(),
        },
    }


def template(path: str) -> str:
    """The path without its converters: ``/v1/models/{name}``."""
    return IN_PATH.sub(r"{\1}", path)


def _operation(row: Row, taken: Json | None, given: Json) -> Json:
    made: Json = {"tags": [row.group], "summary": row.summary, "operationId": operation_id(row)}
    if row.says:
        made["description"] = row.says
    made["parameters"] = [*_in_path(row), *_in_query(row), *headers.parameters(row)]
    if taken is not None:
        content = {"schema": taken} | ({"example": row.example} if row.example is not None else {})
        made["requestBody"] = {"required": True, "content": {row.takes: content}}
    made["responses"] = {"200": _reply(row, given), **errors.of(row)}
    made["security"] = [] if row.kind is Kind.OPEN else [{name: []} for name in ("key", *_own(row))]
    return made


def operation_id(row: Row) -> str:
    """A name of the route that no other has: ``post_v1_chat_completions``."""
    path = re.sub(r"\W+", "_", template(row.path)).rstrip("_") + ("_slash" if row.path.endswith("/") else "")
    return row.method.lower() + path


def _in_path(row: Row) -> list[Json]:
    asked = row.asked or {}
    return [
        {"name": name, "in": "path", "required": True, "schema": NAME, "example": asked[name]}
        for name in IN_PATH.findall(row.path)
    ]


def _in_query(row: Row) -> list[Json]:
    return [
        {
            "name": one.name,
            "in": "query",
            "schema": dict(one.schema),
            "description": one.says,
            **({"required": True} if one.required else {}),
        }
        for one in row.query
    ]


def _reply(row: Row, schema: Json) -> Json:
    content: dict[str, Json] = {row.gives: {"schema": schema}}
    for media, says in (row.more or {}).items():
        content[media] = {"schema": {"description": says}}  # what each event is, not the whole
    return {"description": row.summary, "headers": headers.of_reply(row), "content": content}


def _own(row: Row) -> list[str]:
    """The header that clients of the path's own provider send a key in."""
    return list(dict.fromkeys(header for prefix, header in OWN_HEADERS.items() if row.path.startswith(prefix)))[:1]


def _schemes() -> Json:
    schemes: Json = {"key": {"type": "http", "scheme": "bearer"}}
    for header in OWN_HEADERS.values():
        schemes[header] = {"type": "apiKey", "in": "header", "name": header}
    return schemes

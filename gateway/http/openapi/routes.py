"""``GET /openapi.json`` and ``GET /docs``: each made once, off the event loop, of nothing but the rows."""

from __future__ import annotations

import asyncio
from functools import cache

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.docs import page
from gateway.http.openapi.document import document
from gateway.http.openapi.row import HTML, JSON

#: The page has a style of its own and needs nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def routes() -> list[Route]:
    """Both; they ask for a key like the others, and not for an engine."""
    return [Route("/openapi.json", _document, methods=["GET"]), Route("/docs", _page, methods=["GET"])]


async def _document(request: Request) -> Response:
    del request
    return Response(await asyncio.to_thread(_encoded), media_type=JSON)


async def _page(request: Request) -> Response:
    del request
    return Response(await asyncio.to_thread(_rendered), media_type=HTML, headers={"Content-Security-Policy": POLICY})


@cache
def _encoded() -> bytes:
    return orjson.dumps(document())


@cache
def _rendered() -> bytes:
    return page(document()).encode()

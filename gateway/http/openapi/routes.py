"""``GET /openapi.json`` and ``GET /docs``: each made once, off the event loop, of nothing but the rows.

The rows are imported when they are first asked for: they take a megabyte, and few processes are asked.
"""

from __future__ import annotations

import asyncio
import importlib
from functools import cache
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

#: The page has a style of its own and needs nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def routes() -> list[Route]:
    """Both; they ask for a key like the others, and not for an engine."""
    return [Route("/openapi.json", _document, methods=["GET"]), Route("/docs", _page, methods=["GET"])]


async def _document(request: Request) -> Response:
    del request
    return Response(await asyncio.to_thread(_encoded), media_type="application/json")


async def _page(request: Request) -> Response:
    del request
    headers = {"Content-Security-Policy": POLICY}
    return Response(await asyncio.to_thread(_rendered), media_type="text/html", headers=headers)


@cache
def _encoded() -> bytes:
    return orjson.dumps(_made())


@cache
def _rendered() -> bytes:
    page: str = importlib.import_module("gateway.http.docs").page(_made())
    return page.encode()


def _made() -> dict[str, Any]:
    document: dict[str, Any] = importlib.import_module("gateway.http.openapi.document").document()
    return document

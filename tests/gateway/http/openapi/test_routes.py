from __future__ import annotations

from starlette.applications import Starlette

from gateway.http.openapi.document import document
from gateway.http.openapi.routes import routes
from tests.support.asgi import Sent, receiving, scope


async def ask(path: str) -> Sent:
    sent = Sent()
    await Starlette(routes=routes())(scope("GET", path), receiving(b""), sent)
    return sent


async def test_the_document_is_json() -> None:
    sent = await ask("/openapi.json")
    assert (sent.status, sent.headers["content-type"]) == (200, "application/json")
    assert sent.json == document()


async def test_the_page_may_load_nothing() -> None:
    sent = await ask("/docs")
    assert (sent.status, sent.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert sent.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert sent.body.startswith(b"<!doctype html>")

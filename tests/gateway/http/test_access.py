from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from gateway.contract import RateLimited, Unavailable
from gateway.http.access import Access, CallerLeft
from gateway.http.reply import send_json, start
from tests.support.asgi import Lines, Sent, receiving, scope

Do = Callable[[Scope, Send], Awaitable[None]]


class Exchange:
    """One request through ``Access`` to an application that does ``do``."""

    def __init__(self, do: Do, *, texts: bool = False) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await do(scope, send)

        self.log = Lines()
        self.sent = Sent()
        self._access = Access(app, self.log, texts=texts)

    async def run(self, *, headers: dict[str, str] | None = None, **more: Any) -> Exchange:
        await self._access(scope(headers=headers or {}, **more), receiving(), self.sent)
        return self

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.log.of("request")
        return line


async def ok(scope: Scope, send: Send) -> None:
    await send_json(send, {"id": scope["request_id"]})


def raises(error: BaseException, *, after: bool = False) -> Do:
    async def do(scope: Scope, send: Send) -> None:
        if after:
            await send(start(200, "text/event-stream", []))
        raise error

    return do


@pytest.mark.parametrize("sent", ["a", "req-1.2:3_4", "a" * 128, "550e8400-e29b-41d4-a716-446655440000"])
async def test_a_request_id_is_echoed(sent: str) -> None:
    exchange = await Exchange(ok).run(headers={"X-Request-ID": sent})
    assert exchange.sent.headers["x-request-id"] == exchange.sent.json["id"] == exchange.line["request_id"] == sent


@pytest.mark.parametrize("sent", [None, "", "a b", "a" * 129, "a\nb", "ann@example.com", "é", "a/b", "<x>"])
async def test_one_that_is_missing_or_unfit_is_made(sent: str | None) -> None:
    exchange = await Exchange(ok).run(headers={} if sent is None else {"X-Request-ID": sent})
    made = exchange.sent.headers["x-request-id"]
    assert re.fullmatch(r"req_[0-9a-f]{32}", made)
    assert exchange.line["request_id"] == made


async def test_no_two_made_ids_are_the_same() -> None:
    made = {(await Exchange(ok).run()).sent.headers["x-request-id"] for _ in range(20)}
    assert len(made) == 20


async def test_a_known_error_is_rendered_with_its_headers() -> None:
    exchange = await Exchange(
        raises(RateLimited("slow down", retry_after=7, headers={"X-RateLimit-Limit": "10"}))
    ).run()
    assert (exchange.sent.status, exchange.sent.json["error"]["code"]) == (429, "rate_limit_exceeded")
    assert exchange.sent.headers.items() >= {"retry-after": "7", "x-ratelimit-limit": "10"}.items()
    assert "x-request-id" in exchange.sent.headers
    assert (exchange.line["level"], exchange.line["status"], exchange.line["error"]) == (
        "warning",
        429,
        "rate_limit_exceeded",
    )


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (HTTPException(404), 404, "not_found"),
        (HTTPException(405, headers={"Allow": "POST"}), 405, "method_not_allowed"),
        (HTTPException(418), 500, "internal_error"),
    ],
)
async def test_the_router_s_errors_get_openai_s_shape(error: HTTPException, status: int, code: str) -> None:
    exchange = await Exchange(raises(error)).run()
    assert (exchange.sent.status, exchange.sent.json["error"]["code"]) == (status, code)
    assert exchange.sent.headers.get("allow") == (error.headers or {}).get("Allow")


@pytest.mark.parametrize("error", [HTTPException(404), HTTPException(405), RateLimited("slow down"), RuntimeError("x")])
async def test_errors_are_in_the_words_of_the_path_s_clients(error: Exception) -> None:
    anthropic = (await Exchange(raises(error)).run(path="/v1/messages")).sent.json
    google = (await Exchange(raises(error)).run(path="/v1beta/models/m:generateContent")).sent.json
    assert anthropic["type"] == "error"
    assert google["error"]["status"].isupper()
    assert anthropic["error"]["code"] == google["error"]["code"]


SECRET = "what the caller sent"


async def test_an_unexpected_error_tells_neither_caller_nor_log_its_text() -> None:
    exchange = await Exchange(raises(RuntimeError(SECRET))).run()
    assert (exchange.sent.status, exchange.sent.json["error"]["code"]) == (500, "internal_error")
    (line,) = exchange.log.of("unexpected_error")
    assert (line["level"], line["error"]) == ("error", "RuntimeError")
    assert line["request_id"] == exchange.line["request_id"]
    assert any("test_access.py" in frame for frame in line["frames"])
    assert SECRET not in str(exchange.log.lines) + str(exchange.sent.messages)
    assert (exchange.line["level"], exchange.line["status"]) == ("error", 500)


async def test_for_debugging_the_log_may_have_the_text_and_the_caller_still_not() -> None:
    exchange = await Exchange(raises(RuntimeError(SECRET)), texts=True).run()
    assert exchange.log.of("unexpected_error")[0]["text"] == SECRET
    assert SECRET not in str(exchange.sent.messages)


@pytest.mark.parametrize("error", [Unavailable("broke off", code="stream_broken"), RuntimeError(SECRET)])
async def test_an_error_after_the_reply_began_does_not_begin_another(error: Exception) -> None:
    exchange = await Exchange(raises(error, after=True)).run()
    assert len(exchange.sent.starts) == 1
    assert exchange.line["error"] == getattr(error, "code", "internal_error")


async def test_the_line_of_a_request() -> None:
    async def app(scope: Scope, send: Send) -> None:
        scope["log"] = {"model": "m", "attempts": 2}
        await ok(scope, send)

    line = (await Exchange(app).run(method="POST", path="/v1/chat/completions")).line
    assert line.pop("ms") >= 0
    assert line.pop("request_id")
    assert line == {
        "level": "info",
        "event": "request",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "model": "m",
        "attempts": 2,
    }


@pytest.mark.parametrize(
    ("status", "level"),
    [(200, "info"), (302, "info"), (400, "warning"), (429, "warning"), (500, "error"), (503, "error")],
)
async def test_the_line_s_level_goes_by_the_status(status: int, level: str) -> None:
    async def app(scope: Scope, send: Send) -> None:
        await send_json(send, {}, status=status)

    assert (await Exchange(app).run()).line["level"] == level


@pytest.mark.parametrize("path", ["/v1/ann@example.com", "/v1/+1 555 123 4567", "/v1/a\nb\x1b[2J", "/" + "x" * 5000])
async def test_a_path_does_no_harm_in_the_log(path: str) -> None:
    logged = (await Exchange(ok).run(path=path)).line["path"]
    assert len(logged) <= 200
    assert "example" not in logged and "555" not in logged
    assert logged.isprintable()


async def test_health_checks_are_logged_only_where_they_fail() -> None:
    assert (await Exchange(ok).run(path="/health/live", method="GET")).log.lines == []
    failed = await Exchange(raises(Unavailable("starting"))).run(path="/health/ready", method="GET")
    assert failed.line["status"] == 503


@pytest.mark.parametrize(("after", "status"), [(False, 499), (True, 200)])
async def test_a_caller_who_left_gets_no_answer_and_a_line(after: bool, status: int) -> None:
    exchange = await Exchange(raises(CallerLeft(), after=after)).run()
    assert len(exchange.sent.messages) == int(after)
    assert (exchange.line["status"], exchange.line["caller_left"], exchange.line["level"]) == (status, True, "info")
    assert "error" not in exchange.line


async def test_a_cancellation_passes_and_leaves_its_line() -> None:
    exchange = Exchange(raises(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await exchange.run()
    assert (exchange.sent.messages, exchange.line["status"]) == ([], 499)


async def test_what_is_not_http_passes_untouched() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, send: Send) -> None:
        seen.append(scope)

    exchange = await Exchange(app).run(type="lifespan")
    assert "request_id" not in seen[0]
    assert exchange.log.lines == []

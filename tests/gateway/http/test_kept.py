"""The routes by themselves; tests/e2e/test_files.py has them with a provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import GatewayError, Identity, RateLimited, Unavailable, Upload
from gateway.engine import Engine
from gateway.http.access import CallerLeft
from gateway.http.kept import ROWS, KeptEndpoint, routes
from gateway.settings.schema import GatewayConfig
from tests.support.asgi import LEFT, Sent, receiving, scope

WINDOW = {"X-RateLimit-Limit": "5"}
BOUNDARY = {"content-type": "multipart/form-data; boundary=x"}
KEY = cast(Any, SimpleNamespace(models=None, tokens_per_minute=None))
COUNTED = cast(Any, SimpleNamespace(models=None, tokens_per_minute=100))
LINES = b'{"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}'


class Keeper:
    """Keeps what it was asked; answers ``{}``, or with the bytes ``parts``."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.parts = parts
        self.closed = False

    async def json(self, method: str, path: str, query: Any, params: Any) -> dict[str, Any]:
        self.asked.append((method, path, list(query), params))
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            await asyncio.Event().wait()
        return {"id": "file-1"}

    async def content(self, path: str) -> AsyncGenerator[bytes, None]:
        self.asked.append(("GET", path))
        try:
            for part in self.parts:
                if isinstance(part, Exception):
                    raise part
                yield part
        finally:
            self.closed = True


def engine(keeper: Keeper, admit: Any = None) -> Engine:
    admission = SimpleNamespace(admit=admit or (lambda identity, key: SimpleNamespace(headers=lambda: WINDOW)))
    settings = SimpleNamespace(gateway=GatewayConfig())
    return cast(Engine, SimpleNamespace(kept=keeper, admission=admission, settings=settings))


async def asked(
    keeper: Keeper, method: str, path: str, *, body: Any = b"", query: bytes = b"", admit: Any = None, **more: Any
) -> Sent:
    """``path`` is a row's, with an id in place of ``{id}``."""
    found = next(route for route in routes(lambda: engine(keeper, admit)) if route.path_regex.fullmatch(path))
    assert isinstance(found.endpoint, KeptEndpoint)
    matched = found.path_regex.fullmatch(path)
    fields = {"path_params": matched.groupdict() if matched else {}, "identity": Identity("127.0.0.1"), **more}
    sent = Sent()
    messages = body if isinstance(body, list) else [body]
    await found.endpoint(scope(method, path, query_string=query, **fields), receiving(*messages), sent)
    return sent


async def refused(method: str, path: str, **more: Any) -> GatewayError:
    keeper = Keeper()
    with pytest.raises(GatewayError) as caught:
        await asked(keeper, method, path, **more)
    assert keeper.asked == []
    return caught.value


@pytest.mark.parametrize(
    ("method", "path"),
    [(row.method, row.path.replace("{id}", "a-1_B")) for row in ROWS if row.read is None and not row.file],
)
async def test_each_row_asks_for_what_its_path_says(method: str, path: str) -> None:
    keeper = Keeper()
    sent = await asked(keeper, method, path)
    assert keeper.asked == [(method, path.removeprefix("/v1/"), [], None)]
    assert (sent.status, sent.json, sent.headers["x-ratelimit-limit"]) == (200, {"id": "file-1"}, "5")


async def test_a_file() -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    file = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--x--\r\n'
    keeper = Keeper()
    body = form % (b"purpose", b"vision") + form % (b"expires_after[anchor]", b"created_at")
    body += form % (b"expires_after[seconds]", b"3600") + file
    await asked(keeper, "POST", "/v1/files", body=body, headers=BOUNDARY)
    assert keeper.asked == [
        (
            "POST",
            "files",
            [],
            {
                "purpose": "vision",
                "file": Upload("a", b"abc", "application/octet-stream"),
                "expires_after[anchor]": "created_at",
                "expires_after[seconds]": 3600,
            },
        )
    ]


async def test_queries_are_passed_on() -> None:
    keeper = Keeper()
    include = "message.output_text.logprobs", "reasoning.encrypted_content"
    query = f"include[]={include[0]}&include={include[1]}&limit=5".encode()
    await asked(keeper, "GET", "/v1/responses/r/input_items", query=query)
    assert keeper.asked[0][2] == [("include[]", include[0]), ("include[]", include[1]), ("limit", "5")]


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("/v1/files", b"limit=1&limit=1", "limit"),
        ("/v1/files", b"include=a", "include"),
        ("/v1/files/a", b"x=1", "x"),
        ("/v1/batches", b"order=asc", "order"),
        ("/v1/files/a/content", b"after=b", "after"),
    ],
)
async def test_a_query_that_is_wrong(path: str, query: bytes, param: str) -> None:
    error = await refused("GET", path, query=query)
    assert (error.status, error.param) == (400, param)


@pytest.mark.parametrize("name", ["a.b", "a%2Fb", "é", "a" * 129, "a b"])
async def test_an_id_that_is_none(name: str) -> None:
    assert (await refused("GET", f"/v1/files/{name}")).status == 404


@pytest.mark.parametrize("path", ["/v1/files", "/v1/batches"])
async def test_a_list_is_not_for_virtual_keys(path: str) -> None:
    assert (await refused("GET", path, key=KEY)).code == "administrator_only"
    assert (await asked(Keeper(), "GET", f"{path}/a", key=KEY)).status == 200


async def test_a_key_whose_tokens_are_limited_makes_no_batch() -> None:
    headers = {"content-type": "application/json"}
    error = await refused("POST", "/v1/batches", body=LINES, headers=headers, key=COUNTED)
    assert (error.status, error.code) == (403, "not_counted")
    assert (await asked(Keeper(), "POST", "/v1/batches", body=LINES, headers=headers, key=KEY)).status == 200


async def test_the_limits_hold() -> None:
    def admit(identity: Identity, key: Any) -> Any:
        raise RateLimited("Too many.", retry_after=3)

    assert (await refused("GET", "/v1/files", admit=admit)).status == 429


async def test_an_error_says_what_is_left_of_the_limits() -> None:
    with pytest.raises(Unavailable) as caught:
        await asked(Keeper(Unavailable("Not now.")), "GET", "/v1/files/a")
    assert caught.value.headers == WINDOW


async def test_a_content_is_passed_on_as_bytes_that_no_browser_shows() -> None:
    keeper = Keeper(b"<html>", b"rest")
    sent = await asked(keeper, "GET", "/v1/files/a/content")
    assert (sent.body, sent.ended) == (b"<html>rest", True)
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert keeper.closed


async def test_an_empty_content() -> None:
    assert (await asked(Keeper(), "GET", "/v1/files/a/content")).body == b""


async def test_a_content_that_can_t_be_had_is_an_error() -> None:
    with pytest.raises(Unavailable):
        await asked(Keeper(Unavailable("Not now.")), "GET", "/v1/files/a/content")


async def test_a_caller_who_leaves_is_not_worked_for() -> None:
    with pytest.raises(CallerLeft):
        await asyncio.wait_for(asked(Keeper(b"waits"), "GET", "/v1/files/a", body=[b"", LEFT]), 5)

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive

from gateway.contract import GatewayError
from gateway.http.access import CallerLeft
from gateway.http.body import read_json
from gateway.settings.schema import Server
from tests.support.asgi import LEFT, receiving, scope

SERVER = Server(max_body_bytes=1024, body_seconds=30)
JSON = {"content-type": "application/json"}


async def read(*parts: Message | bytes, headers: dict[str, str] | None = None, server: Server = SERVER) -> Any:
    return await read_json(scope(headers=JSON if headers is None else headers), receiving(*parts), server)


async def refused(*parts: bytes, headers: dict[str, str] | None = None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await read(*parts, headers=headers)
    return caught.value


@pytest.mark.parametrize(
    "parts", [[b'{"a": [1, "\xc3\xa9"]}'], [b'{"a": ', b"", b'[1, "\xc3', b'\xa9"]}'], [b' \n{"a":[1,"\xc3\xa9"]} ']]
)
async def test_a_body_is_read_in_however_many_parts(parts: list[bytes]) -> None:
    assert await read(*parts) == {"a": [1, "é"]}


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"]
)
async def test_json_goes_by_several_names(kind: str) -> None:
    assert await read(b"{}", headers={"content-type": kind}) == {}


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json"]
)
async def test_another_type_is_refused(kind: str | None) -> None:
    error = await refused(b"{}", headers={} if kind is None else {"content-type": kind})
    assert (error.status, "application/json" in error.message) == (415, True)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity", "x"])
async def test_a_compressed_body_is_refused(encoding: str) -> None:
    assert (await refused(b"{}", headers={**JSON, "content-encoding": encoding})).status == 415


async def test_an_identity_encoding_is_none() -> None:
    assert await read(b"{}", headers={**JSON, "content-encoding": "Identity"}) == {}


def sized(size: int) -> bytes:
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


async def test_a_body_may_be_as_large_as_the_limit() -> None:
    assert await read(sized(1024), headers={**JSON, "content-length": "1024"})


async def test_a_body_declared_too_large_is_refused_unread() -> None:
    async def receive() -> Message:
        raise AssertionError("nothing may be read")

    with pytest.raises(GatewayError) as caught:
        await read_json(scope(headers={**JSON, "content-length": "1025"}), receive, SERVER)
    assert (caught.value.status, caught.value.headers) == (413, {"Connection": "close"})


@pytest.mark.parametrize("declared", [None, "10", "nonsense", "-1"])
async def test_a_body_that_grows_too_large_is_refused_whatever_was_declared(declared: str | None) -> None:
    headers = JSON if declared is None else {**JSON, "content-length": declared}
    error = await refused(b"x" * 1000, b"x" * 25, b"x" * 100_000, headers=headers)
    assert (error.status, error.code) == (413, "payload_too_large")


async def drip() -> Message:
    await asyncio.sleep(0.02)
    return {"type": "http.request", "body": b" ", "more_body": True}


@pytest.mark.parametrize("receive", [receiving({"type": "http.request", "body": b"{", "more_body": True}), drip])
async def test_a_body_that_does_not_arrive_in_time_is_refused(receive: Receive) -> None:
    server = SERVER.model_copy(update={"body_seconds": 0.1})
    with pytest.raises(GatewayError) as caught:
        await asyncio.wait_for(read_json(scope(headers=JSON), receive, server), 15)
    assert (caught.value.status, caught.value.code) == (400, "body_timeout")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "it is empty"),
        (b"{", "line 1"),
        (b'{"a": 1,}', "line 1, column 8"),
        (b'{\n "a": 1\n "b": 2}', "line 3, column 2"),
        (b'{"a": NaN}', "line 1, column 7"),
        (b'{"a": Infinity}', "line 1, column 7"),
        (b'{"a": 1} {"b": 2}', "line 1, column 10"),
        (b'{"a": "\xff\xfe"}', "UTF-8"),
        (b'{"a": "\\ud800"}', "line 1"),
        (b"{'a': 1}", "line 1, column 2"),
        (b"[" * 100_000, "line 1"),
    ],
)
async def test_what_is_no_json_is_refused_with_its_place(body: bytes, place: str) -> None:
    server = SERVER.model_copy(update={"max_body_bytes": 1_000_000})
    with pytest.raises(GatewayError) as caught:
        await read(body, server=server)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")
    assert place in caught.value.message


@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null", b"true"])
async def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    error = await refused(body)
    assert (error.status, error.code) == (400, "invalid_type")


async def test_an_error_does_not_repeat_what_was_sent() -> None:
    assert "hunter2" not in (await refused(b'{"a": hunter2}')).message


@pytest.mark.parametrize("parts", [[LEFT], [{"type": "http.request", "body": b"{", "more_body": True}, LEFT]])
async def test_a_caller_who_leaves_is_not_answered(parts: list[Message]) -> None:
    with pytest.raises(CallerLeft):
        await read(*parts)

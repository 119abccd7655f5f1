from __future__ import annotations

import asyncio
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest

from gateway.lanes.transport import Request, Transport, transport_failure
from gateway.settings.schema import Timeouts, Upstream
from gateway.upstream.failures import Failure, Kind
from tests.double.client import Double

KEY = "sk-key-of-the-test-0123456789"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    opened = Transport(Upstream(max_reply_bytes=4096), Timeouts())
    yield opened
    await opened.aclose()


def gemini(provider: Double) -> Request:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    url = f"{provider.gemini_base}/models/gemini-2.0-flash:generateContent"
    headers = {"x-goog-api-key": KEY, "Content-Type": "application/json"}
    return Request(url, headers, json.dumps(body).encode())


def openai(provider: Double) -> Request:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return Request(f"{provider.openai_base}/chat/completions", headers, json.dumps(body).encode())


async def sent(transport: Transport, request: Request) -> dict[str, Any]:
    async with transport.post(request) as response:
        return await transport.json(response)


async def failed(transport: Transport, request: Request) -> Failure:
    with pytest.raises(Failure) as caught:
        await sent(transport, request)
    return caught.value


async def test_a_reply_is_read_and_no_compression_is_asked_for(transport: Transport, provider: Double) -> None:
    assert "candidates" in await sent(transport, gemini(provider))
    (call,) = provider.calls()
    assert call["headers"]["accept-encoding"] == "identity"


async def test_nobody_listens(transport: Transport) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    failure = await failed(transport, Request(f"http://127.0.0.1:{port}/", {}, b""))
    assert failure.kind is Kind.CONNECT


@pytest.mark.parametrize("url", ["nowhere", "http://", "http://name.invalid/", "http://127.0.0.1:99999/"])
async def test_an_address_that_can_t_be_reached_is_a_failed_connection(transport: Transport, url: str) -> None:
    assert (await failed(transport, Request(url, {}, b""))).kind is Kind.CONNECT


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "reset"}, Kind.RESET),
        ({"kind": "close"}, Kind.RESET),
        ({"kind": "cut"}, Kind.CUT),
        ({"kind": "not_json"}, Kind.GARBAGE),
        ({"kind": "empty"}, Kind.EMPTY),
        ({"kind": "status", "status": 200, "body": "[1]"}, Kind.GARBAGE),
        ({"kind": "huge", "megabytes": 1}, Kind.GARBAGE),
        ({"kind": "huge_headers", "kilobytes": 1000}, Kind.GARBAGE),
        ({"kind": "gzip_bomb", "megabytes": 1}, Kind.GARBAGE),
    ],
    ids=str,
)
async def test_a_reply_that_is_none(transport: Transport, provider: Double, fault: dict[str, Any], kind: Kind) -> None:
    provider.script("gemini", fault, then="repeat")
    assert (await failed(transport, gemini(provider))).kind is kind


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(
    transport: Transport, provider: Double
) -> None:
    await sent(transport, gemini(provider))
    provider.script("gemini", "reset")
    assert "candidates" in await sent(transport, gemini(provider))
    assert len(provider.calls()) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(transport: Transport, provider: Double, status: int) -> None:
    target = f"{provider.openai_base}/chat/completions"
    provider.script("gemini", {"kind": "redirect", "location": target, "status": status}, then="repeat")
    assert (await failed(transport, gemini(provider))).kind is Kind.GARBAGE
    assert [call["provider"] for call in provider.calls()] == ["gemini"]


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"kind": "status", "status": 500}, Kind.SERVER_ERROR, None),
        ({"kind": "status", "status": 503}, Kind.OVERLOADED, None),
        ({"kind": "status", "status": 429}, Kind.RATE_LIMITED, "rate_limit_exceeded"),
        ({"kind": "status", "status": 418}, Kind.ODD, None),
        ({"kind": "status", "status": 502, "body": "<html>Bad Gateway</html>"}, Kind.SERVER_ERROR, None),
        ({"kind": "status", "status": 500, "body": {"error": "text"}}, Kind.SERVER_ERROR, None),
        ({"kind": "bad_key"}, Kind.BAD_KEY, "invalid_api_key"),
        ({"kind": "context_too_long"}, Kind.TOO_LONG, "context_length_exceeded"),
        ({"kind": "model_not_found"}, Kind.MODEL_GONE, "model_not_found"),
        ({"kind": "safety", "where": "error"}, Kind.REFUSED, "content_policy_violation"),
    ],
    ids=str,
)
async def test_openai_s_errors_are_told_apart(
    transport: Transport, provider: Double, fault: dict[str, Any], kind: Kind, code: str | None
) -> None:
    provider.script("openai", fault)
    failure = await failed(transport, openai(provider))
    assert (failure.kind, failure.code) == (kind, code)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 500}, Kind.SERVER_ERROR),
        ({"kind": "status", "status": 429}, Kind.RATE_LIMITED),
        ({"kind": "bad_key"}, Kind.BAD_KEY),
        ({"kind": "context_too_long"}, Kind.TOO_LONG),
        ({"kind": "model_not_found"}, Kind.MODEL_GONE),
    ],
    ids=str,
)
async def test_gemini_s_errors_are_told_apart(
    transport: Transport, provider: Double, fault: dict[str, Any], kind: Kind
) -> None:
    provider.script("gemini", fault)
    assert (await failed(transport, gemini(provider))).kind is kind


async def test_gemini_wraps_a_stream_s_error_in_a_list(transport: Transport, provider: Double) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    error = [{"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT", "details": details}}]
    provider.script("gemini", {"kind": "status", "status": 400, "body": error})
    assert (await failed(transport, gemini(provider))).kind is Kind.BAD_KEY


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, None),
    ],
    ids=str,
)
async def test_a_wait_is_read_in_seconds(
    transport: Transport, provider: Double, headers: dict[str, str], seconds: float | None
) -> None:
    provider.script("openai", {"kind": "status", "status": 429, "headers": headers})
    assert (await failed(transport, openai(provider))).retry_after == seconds


async def test_a_wait_may_be_a_date(transport: Transport, provider: Double) -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    headers = {"retry-after": format_datetime(then, usegmt=True)}
    provider.script("openai", {"kind": "status", "status": 429, "headers": headers})
    found = (await failed(transport, openai(provider))).retry_after
    assert found is not None and 50 < found <= 60


async def test_gemini_gives_its_wait_in_the_body(transport: Transport, provider: Double) -> None:
    provider.script("gemini", {"kind": "status", "status": 429, "retry_after": 7.5})
    assert (await failed(transport, gemini(provider))).retry_after == 7.5


async def test_a_provider_s_words_are_cleaned(transport: Transport, provider: Double) -> None:
    words = f"Incorrect key {KEY}\nfor anna@example.com.\tSee https://platform.openai.com/keys?key=abc."
    body = {"error": {"message": words, "param": "messages", "code": "x"}}
    provider.script("openai", {"kind": "status", "status": 400, "body": body})
    failure = await failed(transport, openai(provider))
    assert failure.message.startswith("Incorrect key [key] for [email]")
    assert not any(word in failure.message for word in (KEY, "anna", "platform", "abc", "\n"))
    assert (failure.param, failure.status) == ("messages", 400)


async def test_an_endless_error_body_is_not_read_to_its_end(transport: Transport, provider: Double) -> None:
    provider.script("openai", {"kind": "status", "status": 500, "body": "x" * 1_000_000})
    failure = await failed(transport, openai(provider))
    assert (failure.kind, failure.message) == (Kind.SERVER_ERROR, "")


async def test_leaving_early_ends_the_provider_s_call(transport: Transport, provider: Double) -> None:
    provider.script("gemini", {"kind": "trickle", "interval_ms": 200})
    with pytest.raises(RuntimeError):
        async with transport.post(gemini(provider)):
            raise RuntimeError
    (call,) = await asyncio.to_thread(provider.wait_calls, 1)
    assert call["outcome"] == "aborted"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aiohttp.ConnectionTimeoutError(), Kind.CONNECT),
        (aiohttp.InvalidURL("x"), Kind.CONNECT),
        (aiohttp.ClientPayloadError(), Kind.CUT),
        (aiohttp.ServerDisconnectedError(), Kind.RESET),
        (aiohttp.ClientOSError(), Kind.RESET),
        (ConnectionResetError(), Kind.RESET),
        (ssl.SSLError(), Kind.RESET),
        (ValueError(), Kind.GARBAGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_the_connection_are_told_apart(error: BaseException, kind: Kind) -> None:
    assert transport_failure(error).kind is kind

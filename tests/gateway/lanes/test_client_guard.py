"""The guard on LiteLLM's HTTP clients: no redirect, no endless reply, and a note of what was answered."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.lanes.client_guard import ERROR_BODY_BYTES, install, watch
from gateway.upstream.failures import Failure, Kind
from tests.double.client import Double
from tests.gateway.lanes.test_full import HELLO, Lane
from tests.support.configuration import Configuration


@pytest.fixture
async def lane(configuration: Configuration, provider: Double, litellm_closed: None) -> Lane:
    return Lane(configuration, provider)


async def failed(lane: Lane, name: str, **more: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        await (lane.vectors(input=["x"]) if name == "vectors" else lane.answer(name, **more))
    return caught.value


@pytest.mark.parametrize("name", ["gemini", "openai", "vectors"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(lane: Lane, provider: Double, name: str, status: int) -> None:
    elsewhere = f"http://127.0.0.1:{provider.port}/elsewhere"
    provider.script("any", {"kind": "redirect", "location": elsewhere, "status": status}, then="repeat")
    assert (await failed(lane, name)).kind is Kind.GARBAGE
    assert not [call for call in provider.calls() if "elsewhere" in call["path"]]


@pytest.mark.parametrize("name", ["gemini", "openai"])
async def test_a_reply_beyond_all_measure_is_a_failed_attempt(lane: Lane, provider: Double, name: str) -> None:
    provider.script("any", {"kind": "huge", "megabytes": 20}, then="repeat")
    started = time.process_time()
    assert (await failed(lane, name)).kind is Kind.GARBAGE
    assert time.process_time() - started < 5, "the reply was worked on, not refused"


@pytest.mark.parametrize("name", ["gemini", "openai", "vectors"])
async def test_a_large_error_is_read_as_far_as_it_helps(lane: Lane, provider: Double, name: str) -> None:
    body = {"error": {"message": "x" * 4_000_000, "code": "odd"}}
    provider.script("any", {"kind": "status", "status": 500, "body": body}, then="repeat")
    started = time.process_time()
    assert (await failed(lane, name)).kind is Kind.SERVER_ERROR
    assert time.process_time() - started < 5, "LiteLLM searched all of it"


@pytest.mark.parametrize("name", ["gemini", "openai"])
async def test_what_unpacks_is_refused(lane: Lane, provider: Double, name: str) -> None:
    provider.script("any", {"kind": "gzip_bomb", "megabytes": 50}, then="repeat")
    assert (await failed(lane, name)).kind is Kind.GARBAGE


async def test_it_notes_how_the_provider_answered(lane: Lane, provider: Double) -> None:
    import httpx

    exchange = watch()
    assert not exchange.sent
    install(1_000_000)
    provider.script("openai", {"kind": "status", "status": 418, "body": {"error": {"message": "tea"}}})
    async with httpx.AsyncClient() as client:
        sent = {"headers": {"Authorization": "Bearer k"}, "json": {"model": "m", "messages": HELLO}}
        await client.post(f"{provider.openai_base}/chat/completions", **sent)  # type: ignore[arg-type]
    assert (exchange.sent, exchange.status) == (True, 418)
    assert b"tea" in exchange.error_body
    assert len(exchange.error_body) < ERROR_BODY_BYTES

"""What is kept, by itself; tests/e2e/test_files.py has all of it over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import GatewayError, Upload
from gateway.lanes import kept
from gateway.lanes.catalog import Plan
from gateway.lanes.kept import Kept
from gateway.lanes.transport import Transport
from gateway.settings.schema import RouteSeconds, Timeouts, Upstream
from gateway.upstream.deployment import Deployment
from tests.double.client import Double
from tests.support.fakes import deployment

QUICK = Timeouts(
    between_tokens_seconds=0.2,
    attempt_seconds=RouteSeconds(v1=0.3, ivy=0.3),
    request_seconds=RouteSeconds(v1=0.3, ivy=0.3),
)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    opened = Transport(Upstream(), Timeouts())
    yield opened
    await opened.aclose()


def own(provider: Double, name: str = "cheap", model: str = "gpt-4o-mini", **more: Any) -> Deployment:
    made = deployment(name, model=model, api_base=provider.openai_base, api_key="k1", native=True)
    return replace(made, **more)


def made(transport: Transport, *deployments: Deployment, primary: str = "cheap") -> Kept:
    plan = cast(Plan, SimpleNamespace(deployments=deployments, primary=primary))
    return Kept(plan, transport, QUICK)


async def collected(keeper: Kept, path: str) -> bytes:
    return b"".join([part async for part in keeper.content(path)])


async def refused(work: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await work
    return caught.value


async def test_it_is_asked_of_the_first_that_can_be_called(transport: Transport, provider: Double) -> None:
    others = (
        own(provider, "google", api_key="k2", native=False),
        own(provider, "keyless", api_key=None, unusable="no key"),
    )
    keeper = made(transport, *others, own(provider), own(provider, "later", api_key="k3"))
    reply = await keeper.json("GET", "files", [("limit", "2"), ("include[]", "a b&c")])
    assert reply["object"] == "list"
    (call,) = provider.calls()
    assert call["headers"]["authorization"] == "Bearer k1"
    assert call["query"] == {"limit": "2", "include[]": "a b&c"}


async def test_params_go_as_json_and_files_as_a_form(transport: Transport, provider: Double) -> None:
    keeper = made(transport, own(provider))
    file = await keeper.json("POST", "files", params={"purpose": "batch", "file": Upload("a", b"{}", "text/plain")})
    asked = {"input_file_id": file["id"], "endpoint": "/v1/embeddings", "completion_window": "24h"}
    assert (await keeper.json("POST", "batches", params=asked))["status"] == "validating"
    uploaded, created = provider.calls()
    assert uploaded["body"]["file"]["filename"] == "a"
    assert created["body"] == asked


async def test_a_model_has_our_name_in_what_comes_back(transport: Transport, provider: Double) -> None:
    keeper = made(transport, own(provider), own(provider, "same again"))
    for model, shown in (("gpt-4o-mini", "cheap"), ("another", "another")):
        stored = await keeper.json("POST", "responses", params={"model": model, "input": "x"})
        assert stored["model"] == shown


def test_a_model_s_name_is_the_provider_s(transport: Transport, provider: Double) -> None:
    elsewhere = own(provider, "elsewhere", "gpt-4o", api_key="k2")
    keeper = made(transport, own(provider), own(provider, "large", "gpt-4o"), elsewhere)
    assert [keeper.model(name) for name in ("cheap", "large", "default")] == ["gpt-4o-mini", "gpt-4o", "gpt-4o-mini"]
    for unknown in ("elsewhere", "gpt-4o", "none"):
        with pytest.raises(GatewayError, match="these are: cheap, large"):
            keeper.model(unknown)


def test_default_is_no_model_of_openai_s_where_the_primary_is_none(transport: Transport, provider: Double) -> None:
    with pytest.raises(GatewayError, match="'default' is not one of OpenAI's"):
        made(transport, own(provider), primary="google").model("default")


async def test_nobody_keeps_anything(transport: Transport, provider: Double) -> None:
    keeper = made(transport, own(provider, native=False))
    assert (await refused(keeper.json("GET", "files"))).code == "no_openai_model"
    assert (await refused(collected(keeper, "files/a/content"))).status == 404
    assert provider.calls() == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "status", "status": 404, "body": {"error": {"message": "No."}}}, 404, "not_found"),
        ({"kind": "status", "status": 404, "body": "page"}, 503, "no_provider_available"),
        ({"kind": "status", "status": 409, "body": {"error": {"message": "No."}}}, 409, "conflict"),
        ({"kind": "status", "status": 422, "body": {"error": {"message": "No."}}}, 400, "invalid_request"),
        ({"kind": "bad_key"}, 503, "provider_misconfigured"),
        ({"kind": "status", "status": 403}, 503, "provider_misconfigured"),
        ({"kind": "status", "status": 429, "retry_after": 9}, 429, "rate_limit_exceeded"),
        ({"kind": "silence"}, 503, "no_provider_available"),
        ({"kind": "cut"}, 503, "no_provider_available"),
    ],
    ids=["gone", "page", "conflict", "refused", "key", "forbidden", "limited", "silent", "cut"],
)
async def test_a_failure_is_told(
    transport: Transport, provider: Double, fault: dict[str, Any], status: int, code: str
) -> None:
    provider.script("openai", fault, then="repeat")
    error = await refused(made(transport, own(provider)).json("GET", "files"))
    assert (error.status, error.code) == (status, code)
    assert error.retry_after == 9 or status != 429


async def test_a_file_s_content(transport: Transport, provider: Double) -> None:
    keeper = made(transport, own(provider))
    content = bytes(range(256)) * 2000
    file = await keeper.json("POST", "files", params={"purpose": "vision", "file": Upload("a", content, "a/b")})
    path = f"files/{file['id']}/content"
    assert await collected(keeper, path) == content
    assert (await refused(collected(keeper, "files/none/content"))).status == 404
    for fault in ("silence", "cut", "headers_then_silence"):
        provider.script("openai", fault, then="repeat")
        assert (await refused(collected(keeper, path))).status == 503


async def test_a_file_that_is_too_large_is_broken_off(
    transport: Transport, provider: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = made(transport, own(provider))
    sent = {"purpose": "vision", "file": Upload("a", b"x" * 1001, "a/b")}
    file = await keeper.json("POST", "files", params=sent)
    monkeypatch.setattr(kept, "LARGEST_FILE", 1000)
    assert (await refused(collected(keeper, f"files/{file['id']}/content"))).status == 503


async def test_a_caller_may_take_its_time(transport: Transport, provider: Double) -> None:
    keeper = made(transport, own(provider))
    content = b"x" * 3_000_000
    file = await keeper.json("POST", "files", params={"purpose": "vision", "file": Upload("a", content, "a/b")})
    size, parts = 0, 0
    async for part in keeper.content(f"files/{file['id']}/content"):
        size, parts = size + len(part), parts + 1
        if parts == 1:
            await asyncio.sleep(0.5)
    assert size == len(content)

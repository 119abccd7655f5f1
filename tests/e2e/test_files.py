"""Files, batches and stored responses through the running gateway, as OpenAI's own client asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.double.client import Double
from tests.support.gateway import KEYS, GatewayProcess

Start = Callable[..., GatewayProcess]
MASTER = "a-master-key-of-the-test"
LINE: dict[str, Any] = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": "cheap", "messages": [{"role": "user", "content": "[[say:yes]]"}]},
}


def with_cheap(double: Double) -> dict[str, Any]:
    """A model of OpenAI's under a name of ours, and one of Google's."""
    openai_s = {"model": "openai/gpt-4o-mini", "api_base": double.openai_base, "api_key": "os.environ/OPENAI_API_KEY"}
    google_s = {
        "model": "gemini/gemini-2.0-flash",
        "api_base": double.gemini_base,
        "api_key": "os.environ/GEMINI_API_KEY",
    }
    return {
        "model_list": [
            {"model_name": "gemini-2.0-flash", "litellm_params": google_s},
            {"model_name": "cheap", "litellm_params": openai_s},
        ]
    }


@pytest.fixture(scope="module")
def gateway(start_shared: Start, double: Double) -> GatewayProcess:
    return start_shared(models=with_cheap(double))


@pytest.fixture
def client(gateway: GatewayProcess, provider: Double) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as made:
        yield made


def lines(*changes: dict[str, Any]) -> tuple[str, bytes]:
    return "a.jsonl", b"\n".join(json.dumps({**LINE, **change}).encode() for change in changes)


def test_a_file_s_life(client: openai.OpenAI, provider: Double) -> None:
    content = b"\x00\xff\r\n" * 100_000
    made = client.files.create(file=("../../a.bin", content), purpose="user_data")
    assert (made.filename, made.bytes) == ("a.bin", len(content))
    assert client.files.retrieve(made.id) == made
    assert [one.id for one in client.files.list(purpose="user_data", limit=5, order="asc")] == [made.id]
    assert client.files.content(made.id).read() == content
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object") as gone:
        client.files.retrieve(made.id)
    assert gone.value.code == "not_found"
    assert {call["headers"]["authorization"] for call in provider.calls()} == {f"Bearer {KEYS['OPENAI_API_KEY']}"}


def test_a_file_that_expires(client: openai.OpenAI, provider: Double) -> None:
    client.files.create(file=("a", b"x"), purpose="vision", expires_after={"anchor": "created_at", "seconds": 3600})
    (call,) = provider.calls()
    assert call["body"]["expires_after[anchor]"] == "created_at"
    assert call["body"]["expires_after[seconds]"] == "3600"


def test_a_batch_s_life(client: openai.OpenAI) -> None:
    source = client.files.create(file=lines({}, {"custom_id": "b"}), purpose="batch")
    sent = [json.loads(line) for line in client.files.content(source.id).read().splitlines()]
    assert [one["custom_id"] for one in sent] == ["a", "b"]
    assert sent[0] == LINE | {"body": LINE["body"] | {"model": "gpt-4o-mini"}}
    asked: Any = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "input_file_id": source.id}
    batch = client.batches.create(**asked, metadata={"for": "me"})
    assert (batch.status, batch.metadata) == ("validating", {"for": "me"})
    client.batches.retrieve(batch.id)
    output = client.batches.retrieve(batch.id).output_file_id
    assert output is not None
    assert b"yes" in client.files.content(output).read()
    assert [one.id for one in client.batches.list(limit=10)] == [batch.id]
    other = client.batches.create(**asked)
    assert client.batches.cancel(other.id).status == "cancelling"
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        ({"url": "/v1/files"}, "url", "invalid_value"),
        ({"method": "GET"}, "method", "invalid_value"),
        ({"api_base": "http://x"}, "Unknown parameter: 'api_base'", "unknown_parameter"),
        ({"body": {}}, "body.model", "missing_required_parameter"),
        ({"body": {"model": 5}}, "body.model", "invalid_type"),
        ({"body": {"model": "gpt-4o-mini"}}, "these are: cheap", "model_not_found"),
        ({"body": {"model": "gemini-2.0-flash"}}, "these are: cheap", "model_not_found"),
        ({"body": {"model": "default"}}, "these are: cheap", "model_not_found"),
    ],
    ids=["url", "method", "field", "no-model", "number", "provider-s", "google", "default"],
)
def test_a_batch_s_bad_line(
    client: openai.OpenAI, provider: Double, change: dict[str, Any], said: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=lines({}, change), purpose="batch")
    assert "Line 2 of the batch: " in refused.value.message
    assert said in refused.value.message
    assert (refused.value.code, refused.value.param) == (code, "file[2]")
    assert provider.calls() == []


@pytest.mark.parametrize("content", [b"{", b"[]", b"\n\n"], ids=["cut", "list", "blank"])
def test_a_batch_that_is_none(client: openai.OpenAI, provider: Double, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a.jsonl", content), purpose="batch")
    assert provider.calls() == []


def test_a_stored_response(client: openai.OpenAI, provider: Double) -> None:
    headers = {"Authorization": "Bearer k"}
    stored = httpx.post(
        f"{provider.openai_base}/responses", json={"model": "gpt-4o-mini", "input": "[[say:one]]"}, headers=headers
    ).json()
    found = client.responses.retrieve(stored["id"], include=["message.output_text.logprobs"])
    assert (found.output_text, found.model) == ("one", "cheap")
    assert len(list(client.responses.input_items.list(stored["id"], limit=3))) == 1
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        client.responses.cancel(stored["id"])
    client.responses.delete(stored["id"])
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(stored["id"])


@pytest.mark.parametrize(
    ("method", "path", "status", "param"),
    [
        ("GET", "/v1/files?api_base=x", 400, "api_base"),
        ("GET", "/v1/files?limit=0", 400, "limit"),
        ("GET", "/v1/files?limit=1&limit=2", 400, "limit"),
        ("GET", "/v1/files?after=../models", 400, "after"),
        ("GET", "/v1/files/file-1?limit=1", 400, "limit"),
        ("GET", "/v1/files/..%2Fmodels", 404, None),
        ("GET", "/v1/files/a.b", 404, "id"),
        ("GET", "/v1/responses/resp_1?stream=true", 400, "stream"),
        ("GET", "/v1/responses/resp_1?include[]=secrets", 400, "include[0]"),
        ("DELETE", f"/v1/files/{'a' * 129}", 404, "id"),
        ("PUT", "/v1/files/a", 405, None),
    ],
)  # fmt: skip
def test_what_is_refused(
    gateway: GatewayProcess, provider: Double, method: str, path: str, status: int, param: str | None
) -> None:
    with gateway.client() as client:
        reply = client.request(method, path)
    assert reply.status_code == status
    assert reply.json()["error"]["param"] == param
    assert provider.calls() == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "status", "status": 500}, 503, "no_provider_available"),
        ({"kind": "status", "status": 429, "retry_after": 7}, 429, "rate_limit_exceeded"),
        ({"kind": "bad_key"}, 503, "provider_misconfigured"),
        ({"kind": "reset"}, 503, "no_provider_available"),
        ({"kind": "not_json"}, 503, "no_provider_available"),
        ({"kind": "status", "status": 400, "body": {"error": {"message": "Bad."}}}, 400, "invalid_request"),
    ],
    ids=["error", "limited", "key", "reset", "page", "refused"],
)
def test_the_provider_s_faults(
    gateway: GatewayProcess, provider: Double, fault: dict[str, Any], status: int, code: str
) -> None:
    provider.script("openai", fault, then="repeat")
    with gateway.client() as client:
        reply = client.get("/v1/files")
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert "x-ratelimit-limit" in reply.headers
    if status == 429:
        assert reply.headers["retry-after"] == "7"


def test_a_content_that_breaks_off_is_not_whole(gateway: GatewayProcess, provider: Double) -> None:
    with gateway.client() as client:
        made = client.post("/v1/files", data={"purpose": "vision"}, files={"file": ("a", b"x" * 500_000)}).json()
        provider.script("openai", "cut")
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"/v1/files/{made['id']}/content")
        provider.script("openai", "reset", then="repeat")
        assert client.get(f"/v1/files/{made['id']}/content").status_code == 503
    assert gateway.log("unexpected_error") == []


def test_a_list_is_the_administrator_s(start: Start, double: Double, provider: Double) -> None:
    gateway = start(env={"GATEWAY_MASTER_KEY": MASTER}, models=with_cheap(double))
    with gateway.client() as client:
        assert client.get("/v1/files").status_code == 401
        assert client.get("/v1/files", headers={"Authorization": f"Bearer {MASTER}"}).status_code == 200


def test_without_a_model_of_openai_s(start: Start, double: Double, provider: Double) -> None:
    only = with_cheap(double)
    only["model_list"].pop()
    with start(models=only).client() as client:
        reply = client.get("/v1/files/file-1")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "no_openai_model")
    assert "litellm.yaml" in reply.json()["error"]["message"]

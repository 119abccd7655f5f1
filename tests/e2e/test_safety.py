"""Safe from the first day: keys, bodies, and what never stands in a log or an error."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import KEYS, ROOT, GatewayProcess

CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
MASTER = "master-key-for-this-test"
SECRETS = (*KEYS.values(), MASTER, "zebra-prompt", "anna@example.com", "+44 20 7946 0958", "caller-token")


@pytest.fixture(scope="module")
def locked(start_shared: Start) -> GatewayProcess:
    """Listens on all addresses, which takes a key."""
    return start_shared(env={"GATEWAY_HOST": "0.0.0.0", "GATEWAY_MASTER_KEY": MASTER})


def test_a_key_is_asked_for_before_anything_else(locked: GatewayProcess, provider: Double) -> None:
    url = f"http://127.0.0.1:{locked.port}"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {MASTER}"}):
        for path in ("/v1/chat/completions", "/ai/router/v2", "/v1/models", "/ai/router/health", "/no/such/path"):
            reply = httpx.post(url + path, content=b"not json", headers=headers)
            assert reply.status_code == 401
            assert reply.json()["error"]["code"] == "invalid_api_key"
    assert httpx.get(f"{url}/health/live").status_code == 200
    right = httpx.post(f"{url}/v1/chat/completions", json=CHAT, headers={"Authorization": f"Bearer {MASTER}"})
    assert right.status_code == 200
    assert MASTER not in json.dumps([call["headers"] for call in provider.calls()])


def test_without_a_key_only_this_machine_is_served_however_it_was_started(
    double: Double, provider: Double, tmp_path: Path
) -> None:
    """uvicorn's own command line may listen anywhere; the application still refuses."""
    made = GatewayProcess(tmp_path, models=None)
    command = [sys.executable, "-m", "uvicorn", "gateway.app:app", "--host", "0.0.0.0", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=made.env, text=True, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        port = next(line for line in lines if "Uvicorn running" in line).partition("0.0.0.0:")[2].split()[0]
        try:
            address = _own_address()
            assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
            if address:
                refused = httpx.get(f"http://{address}:{port}/health/ready")
                assert refused.status_code == 403
                assert "GATEWAY_MASTER_KEY" in refused.json()["error"]["message"]
        finally:
            process.terminate()
            process.wait(20)


def _own_address() -> str | None:
    out = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    return next((address for address in out if "." in address), None)


@pytest.mark.parametrize(
    ("content", "headers", "status", "words"),
    [
        (b"{", {}, 400, "line 1, column"),
        (b"", {}, 400, "empty"),
        (b"[1]", {}, 400, "JSON object"),
        (b'{"a": NaN}', {}, 400, "not valid JSON"),
        (b'{"a": "\xff"}', {}, 400, "not valid JSON"),
        (b"[" * 100_000, {}, 400, "not valid JSON"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "application/json"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "Content-Encoding"),
        (b"x" * 5_000_000, {}, 413, "4194304"),
    ],
    ids=["cut", "empty", "list", "nan", "utf8", "deep", "type", "encoding", "large"],
)
def test_bodies(
    lean: GatewayProcess, provider: Double, content: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    for path in ("/v1/chat/completions", "/v1/embeddings", "/ai/router/v2"):
        reply = httpx.post(lean.url + path, content=content, headers={"Content-Type": "application/json", **headers})
        assert reply.status_code == status
        assert words in reply.json()["error"]["message"]
    assert provider.calls() == []


def test_paths_and_methods(lean: GatewayProcess) -> None:
    unknown = httpx.get(f"{lean.url}/v2/chat")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    method = httpx.get(f"{lean.url}/v1/chat/completions")
    assert (method.status_code, method.headers["allow"]) == (405, "POST")
    assert method.json()["error"]["type"] == "invalid_request_error"


def test_request_ids(lean: GatewayProcess, provider: Double) -> None:
    own = httpx.post(f"{lean.url}/v1/chat/completions", json=CHAT, headers={"X-Request-ID": "my-id.1"})
    assert own.headers["x-request-id"] == "my-id.1"
    bad = httpx.get(f"{lean.url}/nowhere", headers={"X-Request-ID": "a b<script>"})
    assert bad.headers["x-request-id"].startswith("req_")


def test_nothing_secret_or_private_is_logged_or_answered(start: Start, provider: Double) -> None:
    gateway = start(env={"GATEWAY_MASTER_KEY": MASTER})
    echo = f"Incorrect API key provided: {KEYS['OPENAI_API_KEY']}. See http://127.0.0.1:{provider.port}/x zebra-prompt"
    headers = {"Authorization": f"Bearer {MASTER}", "X-User-ID": "anna@example.com", "X-Org-ID": "+44 20 7946 0958"}
    body = {**CHAT, "messages": [{"role": "user", "content": "zebra-prompt anna@example.com"}]}
    answers = []
    with gateway.client(**headers) as client:
        answers += [client.post("/v1/chat/completions", json=body), client.post("/v1/chat/completions", json={})]
        answers += [
            client.get("/nowhere/anna@example.com"),
            client.post("/ai/router/v2", json={"query": "zebra-prompt"}),
        ]
        for status in (401, 400, 500):
            fault = {"kind": "status", "status": status, "body": {"error": {"message": echo, "code": "x"}}}
            provider.script("any", fault, then="repeat")
            answers.append(client.post("/v1/chat/completions", json=body))
        client.headers["Authorization"] = "Bearer caller-token"
        answers.append(client.post("/v1/chat/completions", json=body))
    gateway.wait_log("request", len(answers))
    written = (gateway.folder / "logs/ai_router.log").read_text() + gateway.stderr() + gateway.greeting
    for secret in SECRETS:
        assert secret not in written
    for answer in answers:
        if answer.status_code >= 400:
            shown = answer.text + str(answer.headers)
            assert not any(secret in shown for secret in (*KEYS.values(), MASTER, "caller-token"))
            assert "127.0.0.1" not in shown
            assert "Traceback" not in shown


def test_the_log(start: Start, provider: Double) -> None:
    gateway = start()
    provider.script("gemini", {"kind": "status", "status": 500}, then="repeat")
    httpx.post(f"{gateway.url}/v1/chat/completions", json=CHAT, headers={"X-Request-ID": "r1", "X-User-ID": "u1"})
    request = gateway.wait_log("request")[0]
    expected = {
        "request_id": "r1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 200,
        "level": "INFO",
        "user": "u1",
        "model": "gpt-4o-mini",
        "attempts": 3,
        "fallback_reason": "server_error",
    }
    assert expected.items() <= request.items()
    calls = gateway.log("model_call")
    assert [(call["model_provider"], call["outcome"], call["level"]) for call in calls] == [
        ("gemini", "server_error", "WARNING"),
        ("gemini", "server_error", "WARNING"),
        ("openai", "ok", "INFO"),
    ]
    assert calls[-1]["completion_tokens"] > 0


def test_a_slow_body_is_cut_off(start: Start) -> None:
    gateway = start({"server": {"body_seconds": 0.5}})
    with gateway.connect() as connection:
        headers = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 9"
        connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{headers}\r\n\r\n{{".encode())
        started = time.monotonic()
        assert b"400 Bad Request" in connection.recv(4096)
    assert time.monotonic() - started < 10


def test_two_gateways_can_not_share_a_port(lean: GatewayProcess, tmp_path: Path) -> None:
    made = GatewayProcess(tmp_path, models=None, env={"GATEWAY_PORT": str(lean.port)})
    command = [sys.executable, "-m", "gateway", "serve"]
    done = subprocess.run(command, cwd=tmp_path, env=made.env, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"can't listen on 127.0.0.1:{lean.port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_caller_can_not_have_a_deployment_set_aside(lean: GatewayProcess, provider: Double) -> None:
    words = "Invalid schema for function 'invalid_api_key': API key not valid, model_not_found"
    body = {"error": {"message": words, "type": "invalid_request_error", "code": "invalid_function_parameters"}}
    provider.script("gemini", {"kind": "status", "status": 400, "body": body})
    assert httpx.post(f"{lean.url}/v1/chat/completions", json=CHAT).status_code == 400
    after = httpx.post(f"{lean.url}/v1/chat/completions", json=CHAT)
    assert after.headers["x-ivy-model"] == "gemini-2.0-flash"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_redirect_takes_no_key_anywhere(gateway: GatewayProcess, provider: Double, stream: bool) -> None:
    fault = {"kind": "redirect", "location": f"http://127.0.0.1:{provider.port}/elsewhere", "status": 307}
    provider.script("any", fault, then="repeat")
    assert httpx.post(f"{gateway.url}/v1/chat/completions", json={**CHAT, "stream": stream}).status_code == 503
    vectors = {"model": "text-embedding-3-small", "input": "x"}
    assert httpx.post(f"{gateway.url}/v1/embeddings", json=vectors).status_code == 503
    assert not [call for call in provider.calls() if "elsewhere" in call["path"]]


def test_a_caller_who_never_reads_is_left(start: Start, provider: Double) -> None:
    gateway = start({"server": {"write_seconds": 1}, "timeouts": {"between_tokens_seconds": 30}})
    provider.script("gemini", {"kind": "huge", "megabytes": 30}, then="repeat")
    data = json.dumps({**CHAT, "stream": True}).encode()
    headers = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    with gateway.connect() as connection:
        connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{headers}\r\n\r\n".encode() + data)
        (call,) = provider.wait_calls(1, 20)
    assert call["outcome"] == "aborted"


def test_a_small_schema_that_stands_for_millions_is_refused(lean: GatewayProcess, provider: Double) -> None:
    definitions: dict[str, object] = {"d0": {"type": "string"}}
    for level in range(1, 30):
        each = {"$ref": f"#/$defs/d{level - 1}"}
        definitions[f"d{level}"] = {"type": "object", "properties": {"a": each, "b": each}}
    parameters = {"type": "object", "properties": {"x": {"$ref": "#/$defs/d29"}}, "$defs": definitions}
    tools = [{"type": "function", "function": {"name": "f", "parameters": parameters}}]
    reply = httpx.post(f"{lean.url}/v1/chat/completions", json={**CHAT, "tools": tools})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "tools[0].function.parameters")
    assert provider.calls() == []


def test_deeply_nested_bodies_are_refused_and_leave_the_process_unhurt(lean: GatewayProcess, provider: Double) -> None:
    deep = "[" * 240 + "1" + "]" * 240
    with lean.client() as client:
        for pad in range(100, 220):
            many = ",".join([deep] * 10)
            body = f'{{"query": "hi", "context": {{"p": "{"y" * pad}", "x": [{many}]}}}}'
            reply = client.post("/ai/router/v2", content=body, headers={"Content-Type": "application/json"})
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_json")
        assert client.get("/health/ready").status_code == 200
    assert provider.calls() == []


@pytest.mark.parametrize(
    "context",
    [
        {"x": [[[[[[]]]]]] * 15_000},
        {"x": [[]] * 90_000},
        {f"k{n}": n for n in range(50_000)},
        {"lead": {"leadScore": 7, "notes": "\\" * 1_000_000}},
        {"lead": {"leadScore": 7, "aiInsights": ["word " * 100] * 5000}},
    ],
    ids=["nested", "lists", "keys", "backslashes", "insights"],
)
@pytest.mark.parametrize("query", ["How is she?", "What is the next best action?", "Is she married?"])
def test_of_a_huge_context_a_bounded_part_is_sent(
    lean: GatewayProcess, provider: Double, query: str, context: dict[str, Any]
) -> None:
    with lean.client() as client:
        reply = client.post("/ai/router/v2", json={"query": query, "context": context})
    assert reply.status_code == 200, reply.text
    for call in provider.calls():
        assert len(json.dumps(call["body"])) < 60_000

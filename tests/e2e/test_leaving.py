"""Callers who leave, and a gateway that leaves: what the provider and the others see of it."""

from __future__ import annotations

import json
import socket
import threading
import time

import httpx
import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import GatewayProcess, poll

CHAT = {"model": "default", "messages": [{"role": "user", "content": "[[words:40]]"}]}


def send(gateway: GatewayProcess, path: str, body: dict[str, object]) -> socket.socket:
    data = json.dumps(body).encode()
    headers = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    connection = gateway.connect()
    connection.sendall(f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + data)
    return connection


@pytest.mark.parametrize("fault", ["silence", "headers_then_silence"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_caller_who_leaves_before_the_first_byte(
    gateway: GatewayProcess, provider: Double, stream: bool, fault: str
) -> None:
    provider.script("gemini", {"kind": fault}, then="repeat")
    connection = send(gateway, "/v1/chat/completions", {**CHAT, "stream": stream})
    for _ in poll(5):
        if provider.calls():
            break
    connection.close()
    (call,) = provider.wait_calls(1, 5)  # milliseconds; a busy machine is given seconds
    assert call["outcome"] == "aborted"
    time.sleep(0.3)
    assert len(provider.calls()) == 1, "nobody is called for a caller who left"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ai/router/v2"])
def test_a_caller_who_leaves_in_mid_stream(gateway: GatewayProcess, provider: Double, path: str) -> None:
    provider.settings(chunk_interval_ms=100)
    body = CHAT if path.startswith("/v1") else {"query": "[[words:40]]"}
    connection = send(gateway, path, {**body, "stream": True})
    received = b""
    while b"w2" not in received:
        received += connection.recv(65536)
    connection.close()
    (call,) = provider.wait_calls(1, 5)
    assert call["outcome"] == "aborted"
    assert call["chunks_sent"] < 40


def test_a_stream_under_way_outlives_sigterm(start: Start, provider: Double) -> None:
    gateway = start()
    provider.settings(chunk_interval_ms=60)
    received: list[str] = []

    def read() -> None:
        with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json={**CHAT, "stream": True}) as response:
            received.extend(response.iter_lines())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in poll(5):
        if provider.calls():
            break
    status: list[int] = []
    stopper = threading.Thread(target=lambda: status.append(gateway.terminate()))
    stopper.start()
    for _ in poll(5):
        try:
            gateway.connect().close()
        except ConnectionRefusedError:
            break
    else:
        pytest.fail("new connections are still accepted")
    assert reader.is_alive(), "the stream was over before the gateway stopped listening"
    reader.join(20)
    stopper.join(20)
    assert status == [0]
    assert received[-2:] == ["data: [DONE]", ""]
    assert sum('"content":"' in line for line in received) >= 40
    assert provider.calls()[0]["outcome"] == "completed"


def test_what_is_under_way_after_the_grace_period_is_ended(start: Start, provider: Double) -> None:
    gateway = start({"server": {"grace_seconds": 1}, "timeouts": {"between_tokens_seconds": 30}})
    provider.script("gemini", {"kind": "stall", "after_chunks": 2})
    with send(gateway, "/v1/chat/completions", {**CHAT, "stream": True}) as connection:
        received = b""
        while b"w1" not in received:
            received += connection.recv(65536)
        assert gateway.terminate() == 0
        (call,) = provider.wait_calls(1, 5)
        assert call["outcome"] == "aborted"
        while part := connection.recv(65536):
            received += part
    assert b"[DONE]" not in received


def test_readiness_is_refused_while_draining(start: Start, provider: Double) -> None:
    gateway = start()
    provider.settings(chunk_interval_ms=60)
    with gateway.client() as client:
        assert client.get("/health/ready").json() == {"status": "ready"}
    with send(gateway, "/v1/chat/completions", {**CHAT, "stream": True}) as stream, gateway.connect() as ready:
        stream.recv(65536)
        ready.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n")  # the rest follows after the signal
        time.sleep(0.2)
        stopper = threading.Thread(target=gateway.terminate)
        stopper.start()
        for _ in poll(5):
            try:
                gateway.connect().close()
            except ConnectionRefusedError:
                break
        ready.sendall(b"\r\n")
        answer = ready.recv(65536)
        assert not answer or b"503" in answer.split(b"\r\n")[0]
        stopper.join(20)

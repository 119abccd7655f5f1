"""Bounds on a request's head, at the running gateway's socket."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import Start
from tests.support.gateway import GatewayProcess

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def bounded(start_shared: Start) -> GatewayProcess:
    return start_shared({"server": {"max_head_bytes": 4096, "head_seconds": 1}})


def answer(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def live(connection: socket.socket) -> bool:
    connection.sendall(REQUEST + b"\r\n")
    received = b""
    while b"}" not in received and (part := connection.recv(65536)):
        received += part
    return b"200 OK" in received


@pytest.mark.parametrize("head", [b"X-Long: " + b"x" * 9000, b"".join(b"X-%d: y\r\n" % n for n in range(900))])
def test_large_headers_get_431(bounded: GatewayProcess, head: bytes) -> None:
    with bounded.connect() as connection:
        connection.sendall(REQUEST + head)
        reply = answer(connection)
    assert reply.startswith(b"HTTP/1.1 431 ")
    assert b"4096 bytes" in reply


def test_a_long_request_line_gets_431(bounded: GatewayProcess) -> None:
    with bounded.connect() as connection:
        connection.sendall(b"GET /" + b"x" * 9000)
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_a_slow_head_is_cut_off_with_408(bounded: GatewayProcess) -> None:
    with bounded.connect() as connection:
        connection.sendall(REQUEST)
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_asks_nothing_is_closed(bounded: GatewayProcess) -> None:
    with bounded.connect() as connection:
        assert answer(connection) == b""


def test_a_kept_connection_has_the_same_bounds_again(bounded: GatewayProcess) -> None:
    with bounded.connect() as connection:
        assert live(connection)
        assert live(connection)
        connection.sendall(REQUEST + b"X-Long: " + b"x" * 9000)
        assert b"HTTP/1.1 431 " in answer(connection)


def test_a_body_is_no_head_however_large(bounded: GatewayProcess) -> None:
    body = b'{"query": "' + b" " * 50_000 + b'"}'
    head = b"POST /ai/router/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with bounded.connect() as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert answer(connection).startswith(b"HTTP/1.1 400 ")


def test_others_are_served_beside_many_idle_connections(bounded: GatewayProcess) -> None:
    idle = [bounded.connect() for _ in range(100)]
    try:
        with bounded.connect() as connection:
            assert live(connection)
    finally:
        for connection in idle:
            connection.close()

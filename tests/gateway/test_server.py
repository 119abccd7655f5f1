from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from gateway.app import Gateway
from gateway.server import complain, greeting
from tests.conftest import Start
from tests.support.gateway import GatewayProcess


def greeted(**changes: Any) -> str:
    plan = SimpleNamespace(**{"primary": "flash", "fallback": "mini", "local": None, **changes})
    settings = SimpleNamespace(keys=None, master_key=changes.get("master_key"), log_dir=Path("logs"))
    gateway = SimpleNamespace(engine=lambda: SimpleNamespace(plan=plan), settings=settings)
    return greeting(cast(Gateway, gateway), changes.get("host", "127.0.0.1"), 8000)


def test_the_greeting_says_where_who_how_and_what_is_logged() -> None:
    told = greeted()
    assert told.startswith("Ivy Gateway listens on http://127.0.0.1:8000\n")
    assert "answers:   flash, and mini when it does not.\n" in told
    assert "curl http://127.0.0.1:8000/ai/router/v2 -H 'Content-Type: application/json' -d '{\"query\"" in told
    assert "log:       logs/ai_router.log\n" in told
    assert "Authorization" not in told


def test_the_greeting_names_a_key_s_place_and_never_the_key() -> None:
    told = greeted(master_key="secret-of-the-test")
    assert "-H 'Authorization: Bearer YOUR_KEY'" in told
    assert "secret-of-the-test" not in told


def test_the_greeting_of_a_model_alone_and_of_an_ipv6_address() -> None:
    told = greeted(fallback=None, host="::1")
    assert told.startswith("Ivy Gateway listens on http://[::1]:8000\n")
    assert "answers:   flash.\n" in told


def test_the_greeting_owns_up_to_the_demonstration_model() -> None:
    told = greeted(local="local/small")
    assert "local/small, a small DEMONSTRATION model on this machine, because no provider key is set." in told
    assert "flash" not in told


def test_a_refusal_goes_to_stderr_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain("because") == 2
    assert capsys.readouterr() == ("", "The gateway was not started:\nbecause\n")


@pytest.fixture(scope="module")
def running(start_shared: Start) -> GatewayProcess:
    return start_shared()


def refused(running: GatewayProcess, tmp_path: Path, **env: str) -> str:
    """What a second gateway with the same configuration says when it does not start."""
    other = GatewayProcess(tmp_path, env=env)
    with pytest.raises(AssertionError, match="did not start"):
        other.__enter__()
    assert other.process is not None
    assert other.process.wait(10) == 2
    assert other.process.stdout is not None
    other.process.stdout.close()
    assert "Traceback" not in other.stderr()
    return other.stderr()


def test_a_port_in_use_is_told(running: GatewayProcess, tmp_path: Path) -> None:
    told = refused(running, tmp_path, GATEWAY_PORT=str(running.port))
    assert f"The gateway was not started:\ncan't listen on 127.0.0.1:{running.port} (is it in use?)\n" in told


def test_a_log_that_can_t_be_written_is_told(running: GatewayProcess, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = str(tmp_path / "file" / "logs")
    told = refused(running, tmp_path, GATEWAY_LOG_DIR=folder)
    assert told == (
        f"The gateway was not started:\nthe log can't be written in {folder!r} (GATEWAY_LOG_DIR): Not a directory\n"
    )


def test_a_started_gateway_says_nothing_on_stderr_and_forgets_who_forwarded(running: GatewayProcess) -> None:
    reply = httpx.get(f"{running.url}/health/live", headers={"X-Forwarded-For": "1.2.3.4"})
    assert (reply.status_code, "server" in reply.headers) == (200, False)
    assert not any(word in running.stderr() for word in ("Traceback", "UserWarning", "DeprecationWarning"))
    assert "1.2.3.4" not in str(running.log())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success(start: Start, number: signal.Signals) -> None:
    gateway = start()
    assert gateway.process is not None
    os.kill(gateway.pid, number)
    assert gateway.process.wait(20) == 0
    assert len(gateway.log("stopped")) == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", gateway.port), timeout=2)

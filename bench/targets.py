"""What is measured: the provider alone, this gateway, LiteLLM's proxy and Portkey's gateway, each started as a process
of its own with the same models, the same fallback and one retry."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import litellm_proxy, rows
from bench.client import Ask
from bench.rows import Row, TargetName
from tests.support.gateway import FOREIGN, ROOT, GatewayProcess, merge, models

#: As `make install` leaves it, and as `make bench` measures it: what tests install besides, LiteLLM imports where it
#: finds it, and that is some 10 MB.
PYTHON = ROOT / ".venv-run" / "bin" / "python"
PORTKEY = ROOT / ".portkey" / "node_modules" / "@portkey-ai" / "gateway"
#: Limits are per user and would end the measurement; everything else is as shipped.
SETTINGS: dict[str, Any] = {"limits": {"per_minute": 1_000_000, "burst": 1_000_000}}
#: Models whose provider always fails, for the mixed requests: of either wire, with the other one's as their fallback.
FLAKY = 8
LITELLM_ENV = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}


@dataclass(frozen=True, slots=True)
class Target:
    """A process that answers. ``pid`` is the top of its tree; 0 where nothing of it is counted."""

    name: TargetName
    port: int
    pid: int
    provider_port: int

    def asks(self, row: Row) -> list[Ask]:
        """How it is asked for ``row``."""
        return rows.asks(self.name, row, self.provider_port)


def installed() -> dict[TargetName, str]:
    """Targets that can't be measured here, and why."""
    missing: dict[TargetName, str] = {}
    if not litellm_proxy.BINARY.exists():
        missing["litellm"] = "not installed (make .venv-litellm/.proxy)"
    if shutil.which("node") is None:
        missing["portkey"] = "there is no Node here"
    elif not PORTKEY.exists():
        missing["portkey"] = "not installed (make .portkey/.installed)"
    return missing


def configured(provider_port: int) -> dict[str, Any]:
    """litellm.yaml with the bench's provider, and the flaky models."""
    base = f"http://127.0.0.1:{provider_port}"
    file = models(f"{base}/gemini", f"{base}/v1")
    entries = {entry["model_name"]: entry for entry in file["model_list"]}
    fallbacks = []
    for number in range(FLAKY):
        wire, other = ("gemini", "openai") if number % 2 else ("openai", "gemini")
        name = flaky(number)
        like = entries[rows.MODELS[wire]]
        file["model_list"].append(merge(like, {"model_name": name, "litellm_params": {"model": f"{wire}/{name}"}}))
        fallbacks.append({name: [rows.MODELS[other]]})
    return merge(file, {"router_settings": {"fallbacks": [*file["router_settings"]["fallbacks"], *fallbacks]}})


def flaky(number: int) -> str:
    """The name of one of the models that always fail; the odd ones are on Gemini's wire."""
    return f"flaky-{number}"


@contextmanager
def gateway(folder: Path, provider_port: int) -> Iterator[Target]:
    """This gateway as shipped, with all policies and a key; only its limits are raised."""
    env = {"GATEWAY_MASTER_KEY": litellm_proxy.KEY}
    file = configured(provider_port)
    with GatewayProcess(
        folder, models=file, settings=SETTINGS, env=env, python=str(PYTHON if PYTHON.exists() else sys.executable)
    ) as process:
        target = Target("gateway", process.port, process.pid, provider_port)
        if not answers(target):
            raise SystemExit(f"the gateway does not answer:\n{process.stderr()[-2000:]}")
        yield target


@contextmanager
def litellm(folder: Path, provider_port: int) -> Iterator[Target]:
    """LiteLLM's proxy with the settings that its documentation recommends for production: one worker of uvicorn, mode
    PRODUCTION, errors logged only, a key, no database."""
    file = configured(provider_port)
    file["router_settings"] |= {"num_retries": 1, "timeout": 60}
    file["litellm_settings"] = {"drop_params": True, "set_verbose": False, "request_timeout": 60}

    def ready(url: str) -> bool:
        return answers(Target("litellm", int(url.rpartition(":")[2]), 0, provider_port))

    with litellm_proxy.proxy(folder, file, LITELLM_ENV, ready) as running:
        port = int(running.url.rpartition(":")[2])
        yield Target("litellm", port, running.process.pid, provider_port)


@contextmanager
def portkey(folder: Path, provider_port: int) -> Iterator[Target]:
    """Portkey's gateway under Node."""
    port = litellm_proxy.free_port()
    command = ["node", str(PORTKEY / "build" / "start-server.js"), f"--port={port}", "--headless"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**env, "NODE_ENV": "production"}, stdout=output, stderr=output
        )
    target = Target("portkey", port, process.pid, provider_port)
    try:
        if not litellm_proxy.wait(lambda: answers(target), process):
            raise SystemExit(f"Portkey's gateway does not answer:\n{(folder / 'output').read_text()[-2000:]}")
        yield target
    finally:
        process.kill()
        process.wait()


Start = Callable[[Path, int], Any]
STARTS: Mapping[TargetName, Start] = {"gateway": gateway, "litellm": litellm, "portkey": portkey}


def answers(target: Target) -> bool:
    """Whether it answers a plain chat. Raises OSError or HTTPException where nothing listens yet."""
    ask = target.asks(rows.ROWS[0])[0]
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
    try:
        connection.request(
            "POST",
            ask.path,
            ask.text(target.port).partition("\r\n\r\n")[2],
            {"Content-Type": "application/json", **ask.headers},
        )
        reply = connection.getresponse()
        body = reply.read().decode(errors="replace")
        return reply.status == 200 and all(part in body for part in ask.holds)
    finally:
        connection.close()

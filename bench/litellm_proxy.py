"""Starts LiteLLM's proxy from an environment of its own, for comparison only."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.gateway import FOREIGN, KEYS, ROOT

BINARY = ROOT / ".venv-litellm" / "bin" / "litellm"
START_SECONDS = 120
#: What callers send: the proxy does not start without one.
KEY = "sk-failover-0123456789-abcdefghij-0123456789"


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that was started."""

    url: str
    process: subprocess.Popen[bytes]


def live(url: str) -> bool:
    """Whether the proxy says that it is alive."""
    return httpx.get(f"{url}/health/liveliness", timeout=2).status_code == 200


@contextmanager
def proxy(
    folder: Path,
    file: Mapping[str, Any],
    env: Mapping[str, str] | None = None,
    ready: Callable[[str], bool] = live,
) -> Iterator[Running]:
    """The proxy with ``file`` as its configuration, in ``folder``, once it is ``ready``; one worker, no telemetry, and
    nothing fetched from the internet at its start. Raises SystemExit where it is not installed or does not start."""
    if not BINARY.exists():
        raise SystemExit("LiteLLM's proxy is not installed; `make .venv-litellm/.proxy` installs it.")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "litellm.yaml"
    config.write_text(yaml.safe_dump(dict(file), sort_keys=False))
    inherited = {key: value for key, value in os.environ.items() if not key.startswith((*FOREIGN, "DATABASE_"))}
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_MASTER_KEY": KEY}
    port = free_port()
    options = {"config": config, "host": "127.0.0.1", "port": port, "num_workers": 1, "telemetry": "False"}
    command = [str(BINARY), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**inherited, **KEYS, **own, **(env or {})}, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        if not wait(lambda: ready(url), process):
            raise SystemExit(f"LiteLLM's proxy did not start:\n{(folder / 'output').read_text()[-2000:]}")
        yield Running(url, process)
    finally:
        process.kill()
        process.wait()


def wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], pause: float = 0.05) -> bool:
    """Whether ``ready`` came true before the process ended or START_SECONDS were over; it may raise what a client
    raises where nothing listens."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(httpx.HTTPError, http.client.HTTPException, OSError):
            if ready():
                return True
        time.sleep(pause)
    return False


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

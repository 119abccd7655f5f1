"""Starts the real gateway process on a free port, with a configuration made for the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
KEYS = {"GEMINI_API_KEY": "gemini-test-key-0123456789", "OPENAI_API_KEY": "sk-openai-test-key-0123456789"}
#: How asyncio's loggers begin to speak of errors.
FORGOTTEN = ("Exception in callback", "Task exception was never retrieved", "Unhandled exception", "Future exception")
#: What a test must not inherit from whoever runs it.
FOREIGN = ("GEMINI_", "GOOGLE_", "OPENAI_", "ANTHROPIC_", "AI_", "ACTIVE_", "IVY_", "GATEWAY_", "REDIS_", "LITELLM_")
#: Short enough that a provider's silence does not make a test slow.
QUICK: dict[str, Any] = {
    "timeouts": {
        "first_token_seconds": 2.0,
        "between_tokens_seconds": 1.5,
        "tail_seconds": 0.3,
        "attempt_seconds": {"v1": 3.0, "ivy": 3.0},
        "request_seconds": {"v1": 20, "ivy": 20},
    },
    # No hedge: a busy machine would have calls in it that a test does not expect.
    "retries": {"backoff_seconds": 0.01, "hedge_after_ms": {"ivy": 0}},
    "limits": {"per_minute": 100000, "burst": 100000},
    "breaker": {"errors": 100000},
}


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` laid over it, mapping by mapping."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def models(gemini_base: str, openai_base: str) -> dict[str, Any]:
    """The project's ``litellm.yaml`` with both providers played by the double."""
    file: dict[str, Any] = yaml.safe_load((ROOT / "litellm.yaml").read_text())
    for entry in file["model_list"]:
        gemini = entry["litellm_params"]["model"].startswith("gemini/")
        entry["litellm_params"]["api_base"] = gemini_base if gemini else openai_base
    return file


class GatewayProcess:
    """``python -m gateway serve`` with ``settings`` laid over config/gateway.yaml; a context manager. ``python`` is of
    the environment that it runs in."""

    def __init__(
        self,
        folder: Path,
        *,
        models: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        keys: bool = True,
        python: str = sys.executable,
    ) -> None:
        self.folder = folder
        self.python = python
        self.config = folder / "config"
        shutil.copytree(ROOT / "config", self.config, ignore=shutil.ignore_patterns("keys.yaml"))
        written = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
        (self.config / "gateway.yaml").write_text(yaml.safe_dump(merge(written, settings or {}), sort_keys=False))
        litellm_file = folder / "litellm.yaml"
        litellm_file.write_text(yaml.safe_dump(dict(models), sort_keys=False) if models else _shipped())
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.env = {
            **inherited,
            "GATEWAY_CONFIG": str(litellm_file),
            "GATEWAY_CONFIG_DIR": str(self.config),
            "GATEWAY_LOG_DIR": str(folder / "logs"),
            "GATEWAY_PORT": "0",
            "PYTHONPATH": str(ROOT),
            **(KEYS if keys else {}),
            **(env or {}),
        }
        self.lane = str((settings or {}).get("upstream", {}).get("lane", "auto"))
        self.process: subprocess.Popen[str] | None = None
        self.greeting = ""
        self.url = ""

    def __enter__(self) -> GatewayProcess:
        with (self.folder / "stderr").open("w") as stderr:
            self.process = subprocess.Popen(
                [self.python, "-m", "gateway", "serve"],
                cwd=self.folder,
                env=self.env,
                text=True,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("  stop:"):
                break
        self.greeting = "".join(lines)
        if not self.greeting:
            raise AssertionError(f"the gateway did not start:\n{self.stderr()}")
        self.url = self.greeting.split()[4]
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
        # Nobody awaits what fails in a callback or a forgotten task, so that no reply would show it.
        assert not [line for line in self._lines() if line["event"].startswith(FORGOTTEN)]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self.process is not None
        return self.process.pid

    def stderr(self) -> str:
        """What it has written on the terminal."""
        return (self.folder / "stderr").read_text()

    def terminate(self, seconds: float = 30) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of ai_router.log, parsed; those of one event where it is named."""
        return [line for line in self._lines() if event is None or line["event"] == event]

    def _lines(self) -> list[dict[str, Any]]:
        path = self.folder / "logs" / "ai_router.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_log(self, event: str, count: int = 1, seconds: float = 10) -> list[dict[str, Any]]:
        """The lines of ``event`` once there are ``count``."""
        for _ in poll(seconds):
            found = self.log(event)
            if len(found) >= count:
                return found
        raise AssertionError(f"the log has {len(self.log(event))} lines of {event!r}, not {count}")

    def client(self, **headers: str) -> httpx.Client:
        """An HTTP client for it."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def connect(self) -> socket.socket:
        """A bare connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def _shipped() -> str:
    return (ROOT / "litellm.yaml").read_text()


def poll(seconds: float, pause: float = 0.02) -> Iterator[None]:
    """Yield until ``seconds`` are over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(pause)

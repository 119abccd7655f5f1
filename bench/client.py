"""The processes around a target: the provider, and the load's client, each of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from bench.load import Result
from tests.support.gateway import ROOT


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to a target. A reply must hold all of ``holds``; it speaks once ``token`` is in it. It has at least
    ``events`` server-sent events; ``stamped``: each says when it was sent."""

    path: str
    body: Mapping[str, Any]
    holds: tuple[str, ...]
    token: str
    headers: Mapping[str, str]
    events: int = 0
    stamped: bool = False

    def text(self, port: int) -> str:
        """The request as it goes over the wire."""
        body = orjson.dumps(self.body).decode()
        headers = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\n{lines}Content-Length: {len(body.encode())}\r\n\r\n{body}"


@dataclass(frozen=True, slots=True)
class Job:
    """What the client is to do: ``asks`` in turn by ``callers``, for ``seconds`` or until ``count`` were sent."""

    port: int
    asks: Sequence[Ask]
    callers: int
    seconds: float | None = None
    count: int | None = None

    def line(self) -> bytes:
        """As ``bench.load`` reads it."""
        requests = [
            {
                "data": ask.text(self.port),
                "holds": ask.holds,
                "token": ask.token,
                "events": ask.events,
                "stamped": ask.stamped,
            }
            for ask in self.asks
        ]
        how = {"port": self.port, "callers": self.callers, "seconds": self.seconds, "count": self.count}
        return orjson.dumps({**how, "requests": requests}) + b"\n"


class Client:
    """The load's client; ``play`` is one job."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def play(self, job: Job) -> Result:
        """Do the job; returns what was seen. Raises RuntimeError where the client's process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(job.line())
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load's client has ended")
        return Result(**json.loads(line))


@contextmanager
def client() -> Iterator[Client]:
    """A client in a process of its own."""
    command = [sys.executable, "-m", "bench.load"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Client(process)
        finally:
            process.kill()


@contextmanager
def provider() -> Iterator[int]:
    """The provider in a process of its own; its port."""
    command = [sys.executable, "-m", "bench.provider"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()

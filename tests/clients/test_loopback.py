"""The guard that keeps the clients on this machine can fail."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.clients.loopback import GUARD, STRAYED
from tests.support.gateway import ROOT


@pytest.mark.parametrize("host", ["192.0.2.1", "telemetry.example.com"])
def test_another_host_is_refused_and_remembered(host: str) -> None:
    with pytest.raises(PermissionError, match=host):
        socket.create_connection((host, 80), timeout=1)
    assert GUARD.strayed == [host]
    GUARD.strayed.clear()


@pytest.mark.parametrize(
    ("line", "status"),
    [(["json.tool", "--help"], 0), (["ftplib", "192.0.2.1", "-l"], STRAYED)],
)
def test_a_command_line_that_strays_fails(line: list[str], status: int) -> None:
    command = [sys.executable, "-m", "tests.clients.loopback", *line]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == status

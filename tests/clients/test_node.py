"""OpenAI's client for Node, in tests of Node's own: ``tests/clients/node``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.common import MASTER
from tests.double.client import Double
from tests.support.gateway import GatewayProcess

NODE = Path(__file__).with_name("node")
FILES = sorted(NODE.glob("*.test.mjs"))

pytestmark = pytest.mark.skipif(
    shutil.which("npm") is None, reason="there is no npm here to install Node's client with"
)


def node(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    assert (NODE / "node_modules" / "openai").is_dir(), "`make test` installs it"
    line = ["node", "--import", "./loopback.mjs", *arguments]
    return subprocess.run(
        line, cwd=NODE, env={**os.environ, **env}, capture_output=True, text=True, timeout=120, check=False
    )


def test_there_are_tests() -> None:
    assert len(FILES) >= 3


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_client(address: str, guarded: GatewayProcess, provider: Double, file: Path) -> None:
    double = f"http://127.0.0.1:{provider.port}"
    done = node(file.name, GATEWAY=address, GUARDED=f"{guarded.url}/v1", MASTER=MASTER, DOUBLE=double)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_host_ends_it() -> None:
    assert node("-e", "fetch('http://192.0.2.1/')").returncode == 97

"""The child process by itself: what it refuses, what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("parent", "key", "says"),
    [(os.getpid(), "", "GATEWAY_LOCAL_MODEL_KEY is not set"), (2**22 + 1, "key", "parent is gone")],
    ids=["no key", "no parent"],
)
def test_child_ends_at_once_without_a_key_or_a_parent(parent: int, key: str, says: str) -> None:
    command = [sys.executable, "-m", "gateway.localmodel", "--parent", str(parent)]
    env = {**os.environ, "GATEWAY_LOCAL_MODEL_KEY": key}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "") and says in done.stderr


def test_child_stops_cleanly_and_says_nothing_but_its_port() -> None:
    command = [sys.executable, "-m", "gateway.localmodel"]
    env = {**os.environ, "GATEWAY_LOCAL_MODEL_KEY": "key"}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, **pipes) as child:
        assert child.stdout is not None and child.stderr is not None
        assert list(json.loads(child.stdout.readline())) == ["port"]
        child.terminate()
        assert child.wait(timeout=30) == 0
        assert (child.stdout.read(), child.stderr.read()) == ("", "")

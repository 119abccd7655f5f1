from __future__ import annotations

import logging
import subprocess
import sys

import litellm
import pytest

from gateway.lanes.boot import SILENCED, clear_callbacks, configure
from tests.support.gateway import ROOT


@pytest.mark.parametrize("drop", [True, False])
def test_litellm_is_set_up_without_side_doors(drop: bool) -> None:
    configure(drop_params=drop)
    assert litellm.drop_params is drop
    assert (litellm.telemetry, litellm.num_retries, litellm.expose_router_debug_in_errors) == (False, 0, False)


@pytest.mark.parametrize("name", SILENCED)
def test_loggers_that_would_write_prompts_say_nothing(name: str, caplog: pytest.LogCaptureFixture) -> None:
    configure(drop_params=True)
    logger = logging.getLogger(name)
    logger.critical("a prompt")
    logger.error("a prompt")
    assert caplog.records == []
    assert not any(isinstance(handler, logging.StreamHandler) for handler in logger.handlers)


def test_callbacks_are_gone_when_they_are_cleared() -> None:
    litellm.callbacks.append("of-the-test")
    litellm.input_callback.append("of-the-test")
    clear_callbacks()
    assert (litellm.callbacks, litellm.input_callback) == ([], [])


def test_importing_the_lanes_asks_nothing_of_the_network_or_of_a_stray_env_file(tmp_path: object) -> None:
    code = (
        "import os, socket\n"
        "open('.env', 'w').write('STRAY=1')\n"
        "def refuse(*args, **kwargs): raise SystemExit(f'asked for {args[0]}')\n"
        "socket.getaddrinfo = refuse\n"
        "import gateway.lanes.catalog\n"
        "assert 'STRAY' not in os.environ\n"
    )
    path = {"PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=str(tmp_path), env=path, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_what_is_dropped_of_litellm_s_data_is_needed_by_nothing() -> None:
    configure(drop_params=True)
    tokens = litellm.encode(model="claude-2", text="How many tokens are these?")
    assert litellm.decode(model="claude-2", tokens=tokens) == "How many tokens are these?"

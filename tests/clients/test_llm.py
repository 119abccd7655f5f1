"""The llm command line, with the gateway's models in its extra-openai-models.yaml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.clients.common import BROKEN, DOWN, EMBEDDER, LISTED, MODELS, USE_TOOL
from tests.double.client import Double
from tests.support.gateway import ROOT

#: Runs llm with arguments, and text for its standard input.
Run = Callable[..., subprocess.CompletedProcess[str]]
WEATHER = 'def get_weather(city: str) -> str:\n    "The weather of a city."\n    return "rain in " + city\n'


@pytest.fixture
def llm(address: str) -> Run:
    folder = Path(os.environ["LLM_USER_PATH"])
    folder.mkdir()
    able = {"supports_tools": True, "supports_schema": True, "vision": True}
    models = [
        {"model_id": name + suffix, "model_name": name, "api_base": address, "responses": bool(suffix), **able}
        for name in ("gpt-9", *MODELS)
        for suffix in ("", "-responses")
    ]
    (folder / "extra-openai-models.yaml").write_text(yaml.safe_dump(models))
    env = {**os.environ, "OPENAI_BASE_URL": address, "OPENAI_API_KEY": "unused", "PYTHONPATH": str(ROOT)}

    def run(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "tests.clients.loopback", "llm", *arguments]
        return subprocess.run(line, env=env, input=said, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize(
    "line", [["gemini-2.0-flash"], ["gpt-4o-mini", "--no-stream"], ["gpt-4o-mini-responses"]], ids=" ".join
)
def test_a_prompt(llm: Run, line: list[str]) -> None:
    done = llm("-m", *line, "-s", "Be brief.", "-o", "temperature", "0.2", "hello")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'you said "hello"' in done.stdout


def test_a_conversation(llm: Run) -> None:
    done = llm("chat", "-m", "gpt-4o-mini", said="my name is Ada\n[[echo]]\nquit\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("my name is Ada") >= 3  # said, answered, and sent along with the second question


@pytest.mark.parametrize("name", ["gemini-2.0-flash", "gpt-4o-mini-responses"])
def test_a_tool_and_the_turn_that_follows(llm: Run, provider: Double, name: str) -> None:
    done = llm("-m", name, "--functions", WEATHER, USE_TOOL)
    assert done.returncode == 0, done.stderr
    assert "rain in text" in done.stdout
    assert len(provider.calls()) == 2


@pytest.mark.parametrize("name", ["gemini-2.0-flash-responses", "gpt-4o-mini"])
def test_a_schema(llm: Run, name: str) -> None:
    done = llm("-m", name, "--schema", "name, age int", "hello")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"name": "text", "age": 0}


def test_an_embedding(llm: Run) -> None:
    done = llm("embed", "-m", EMBEDDER, "-c", "one")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) > 4


def test_models(llm: Run, address: str) -> None:
    done = llm("openai", "endpoint", address, "--models")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == LISTED


@pytest.mark.parametrize(
    ("name", "fault", "said"),
    [
        ("gpt-9", None, "gpt-4o-mini"),
        ("gpt-4o-mini", DOWN, "503"),
        ("gpt-4o-mini", BROKEN, "broke off"),
    ],
    ids=["unknown", "down", "broken"],
)
def test_errors(llm: Run, provider: Double, name: str, fault: dict[str, object] | None, said: str) -> None:
    if fault:
        provider.script("any", fault, then="repeat")
    done = llm("-m", name, "hello")
    assert done.returncode == 1
    assert said in done.stderr

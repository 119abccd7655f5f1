from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from gateway import app as module
from gateway.app import Gateway, create
from gateway.settings import ConfigError, Problem, load
from tests.support.asgi import Sent, receiving, scope
from tests.support.fakes import logging_put_back

KEY = {"authorization": "Bearer the-key"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[ASGIApp, Gateway]]:
    with logging_put_back():
        yield create(load({"GATEWAY_LOG_DIR": str(tmp_path), "GATEWAY_MASTER_KEY": "the-key"}))


@pytest.fixture
def app(made: tuple[ASGIApp, Gateway]) -> ASGIApp:
    return made[0]


async def ask(app: ASGIApp, method: str, path: str, headers: dict[str, str] | None = None) -> Sent:
    sent = Sent()
    await app(scope(method, path, headers or {}), receiving(b"{}"), sent)
    return sent


async def lifespan(app: ASGIApp) -> list[Message]:
    sent = Sent()
    await app({"type": "lifespan"}, receiving({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}), sent)
    return sent.messages


def builds(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    """Put another ``gateway.build`` in place, which needs no litellm."""

    @asynccontextmanager
    async def build(settings: Any, log: Any) -> AsyncGenerator[Any, None]:
        if isinstance(engine, Exception):
            raise engine
        yield engine

    stand_in = ModuleType("gateway.build")
    stand_in.engine = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gateway.build", stand_in)


ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/a/b"),
    ("POST", "/ai/router/v2"),
    ("GET", "/ai/router/health"),
    ("GET", "/health/ready"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_but_one_asks_for_the_key(app: ASGIApp, method: str, path: str) -> None:
    refused = await ask(app, method, path)
    assert (refused.status, refused.json["error"]["code"]) == (401, "invalid_api_key")
    assert "x-request-id" in refused.headers
    assert (await ask(app, method, path, KEY)).status != 401


async def test_alive_asks_for_nothing(app: ASGIApp) -> None:
    assert (await ask(app, "GET", "/health/live")).json == {"status": "ok"}


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if not r[1].startswith("/health")])
async def test_before_the_engine_is_there_callers_are_asked_to_come_back(app: ASGIApp, method: str, path: str) -> None:
    sent = await ask(app, method, path, KEY)
    assert (sent.status, sent.json["error"]["code"], sent.headers["retry-after"]) == (503, "starting", "2")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("POST", "/v1/chat/completions/", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_a_wrong_path_or_method_gets_openai_s_error_body(
    app: ASGIApp, method: str, path: str, status: int, code: str
) -> None:
    sent = await ask(app, method, path, KEY)
    assert sent.status == status
    assert sent.json["error"]["code"] == code


async def test_a_wrong_method_is_told_the_right_one(app: ASGIApp) -> None:
    assert (await ask(app, "GET", "/v1/chat/completions", KEY)).headers["allow"] == "POST"


async def test_the_engine_is_there_while_the_lifespan_lasts(
    made: tuple[ASGIApp, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, gateway = made
    plan = SimpleNamespace(warnings=("mind this",), primary="m", local=None)
    engine = SimpleNamespace(plan=plan)
    builds(monkeypatch, engine)
    assert not gateway.built
    messages = await lifespan(app)
    assert [m["type"] for m in messages] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert gateway.engine() is engine  # type: ignore[comparison-overlap]


async def test_warnings_of_the_configuration_are_in_the_log(
    made: tuple[ASGIApp, Gateway], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = SimpleNamespace(warnings=("mind this",), primary="m", local=None)
    builds(monkeypatch, SimpleNamespace(plan=plan))
    await lifespan(made[0])
    lines = (tmp_path / "ai_router.log").read_text().splitlines()
    assert any('"mind this"' in line and '"WARNING"' in line for line in lines)


async def test_a_refused_start_says_why_without_a_traceback(
    made: tuple[ASGIApp, Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, gateway = made
    builds(monkeypatch, ConfigError([Problem("litellm.yaml:3", "unknown model")]))
    sent = Sent()
    with pytest.raises(ConfigError):
        await app({"type": "lifespan"}, receiving({"type": "lifespan.startup"}), sent)
    (message,) = sent.messages
    assert message["type"] == "lifespan.startup.failed"
    assert "unknown model" in message["message"]
    assert "Traceback" not in message["message"]
    assert gateway.refusal == message["message"]


def test_the_module_has_no_other_names_than_its_own() -> None:
    with pytest.raises(AttributeError):
        module.application  # noqa: B018

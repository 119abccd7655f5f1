from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from gateway.contract import NotFound, Operation
from gateway.engine import Engine
from gateway.http.gemini.models import Models
from tests.support.asgi import scope
from tests.support.fakes import deployment

CHAT, EMBEDDING = frozenset({Operation.CHAT}), frozenset({Operation.EMBEDDING})
PLAN = SimpleNamespace(
    local=None,
    primary="gemini-2.0-flash",
    names=("gemini-2.0-flash", "org/vectors", "images"),
    chains={"default": ("gemini-2.0-flash", "org/vectors"), "gemini-2.0-flash": ("gemini-2.0-flash",)},
    deployments=(
        deployment("gemini-2.0-flash", modes=CHAT, window=1000, model_info={"max_output_tokens": 100}),
        deployment("a", group="gemini-2.0-flash", modes=CHAT, window=500, model_info={"max_output_tokens": "many"}),
        deployment("org/vectors", modes=EMBEDDING),
        deployment("images", modes=frozenset()),
    ),
)
ENGINE = cast(Engine, SimpleNamespace(plan=PLAN))
MODELS = Models(lambda: ENGINE)
BOUND = SimpleNamespace(models=("org/vectors",))


async def listed(key: Any = None) -> list[dict[str, Any]]:
    body = json.loads(bytes((await MODELS.list(Request(scope(key=key)))).body))
    found: list[dict[str, Any]] = body["models"]
    return found


async def one(name: str, key: Any = None) -> dict[str, Any]:
    response = await MODELS.one(Request(scope(path_params={"model": name}, key=key)))
    made: dict[str, Any] = json.loads(bytes(response.body))
    return made


async def test_the_models_are_those_that_a_route_here_takes() -> None:
    default, chat, vectors = await listed()
    assert default == chat | {"name": "models/default", "displayName": "default"}
    assert (chat["name"], chat["inputTokenLimit"]) == ("models/gemini-2.0-flash", 500)
    assert "outputTokenLimit" not in chat
    assert chat["supportedGenerationMethods"][:2] == ["generateContent", "streamGenerateContent"]
    assert vectors["name"] == "models/org/vectors"
    assert vectors["supportedGenerationMethods"] == ["embedContent", "batchEmbedContents"]
    assert "inputTokenLimit" not in vectors


async def test_a_key_sees_its_own_models() -> None:
    assert [model["name"] for model in await listed(BOUND)] == ["models/org/vectors"]
    with pytest.raises(NotFound):
        await one("gemini-2.0-flash", BOUND)


@pytest.mark.parametrize("name", ["default", "gemini-2.0-flash", "org/vectors", "images"])
async def test_one_model_is_shown(name: str) -> None:
    assert (await one(name))["name"] == f"models/{name}"


async def test_a_model_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(NotFound, match=r"default, gemini-2\.0-flash, org/vectors, images") as caught:
        await one("gpt-9")
    assert caught.value.code == "model_not_found"

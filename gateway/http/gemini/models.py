"""``GET /v1beta/models`` and ``/v1beta/models/{model}``: the names that callers may use, as Google shows models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway.contract import DEFAULT_MODEL, NotFound, Operation
from gateway.engine import Engine
from gateway.http.control import shown
from gateway.upstream.deployment import Deployment

Json = dict[str, Any]
METHODS = {
    Operation.CHAT: ("generateContent", "streamGenerateContent", "countTokens"),
    Operation.EMBEDDING: ("embedContent", "batchEmbedContents"),
}


class Models:
    """Both routes. The list has one page."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine

    async def list(self, request: Request) -> JSONResponse:
        """All names that a route here takes and the caller's key may use, the default first."""
        engine = self._engine()
        models = [_model(engine, name) for name in _names(engine, request)]
        return JSONResponse({"models": [one for one in models if one["supportedGenerationMethods"]]})

    async def one(self, request: Request) -> JSONResponse:
        """One of them; raises NotFound naming those there are."""
        engine, name = self._engine(), request.path_params["model"]
        names = _names(engine, request)
        if name not in names:
            valid = ", ".join(names)
            raise NotFound(f"There is no such model here; there are: {valid}.", code="model_not_found", param="model")
        return JSONResponse(_model(engine, name))


def _names(engine: Engine, request: Request) -> list[str]:
    key = request.scope.get("key")
    return [name for name in (DEFAULT_MODEL, *engine.plan.names) if shown(engine, key, name)]


def _model(engine: Engine, name: str) -> Json:
    group = engine.plan.local or engine.plan.primary if name == DEFAULT_MODEL else name
    deployments = [one for one in engine.plan.deployments if one.group == group]
    made: Json = {"name": f"models/{name}", "version": "001", "displayName": name}
    limits = {
        "inputTokenLimit": _least(deployments, lambda one: one.window),
        "outputTokenLimit": _least(deployments, lambda one: one.model_info.get("max_output_tokens")),
    }
    made |= {key: limit for key, limit in limits.items() if limit}
    able = [operation for operation in METHODS if any(one.does(operation) for one in deployments)]
    return made | {"supportedGenerationMethods": [method for operation in able for method in METHODS[operation]]}


def _least(deployments: list[Deployment], limit: Callable[[Deployment], Any]) -> int | None:
    """What all of a name's deployments take; None where one does not say."""
    limits = [limit(one) for one in deployments]
    return min(limits) if limits and all(type(one) is int for one in limits) else None

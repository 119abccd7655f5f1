"""The routes of Gemini's API. A model's name may hold slashes, as ``litellm.yaml`` lets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import Scope

from gateway.engine import Engine
from gateway.http.count import TokenCount
from gateway.http.endpoint import ModelEndpoint
from gateway.http.gemini import embedding, reply, request
from gateway.http.gemini.models import Models

MODEL = "/models/{model:path}"
#: Only Google's clients send their key in it; at "/v1" it tells whose list of models is asked for.
KEY = "x-goog-api-key"
VERSIONS = ("/v1beta", "/v1")


def routes(engine: Callable[[], Engine]) -> list[Route]:
    """``/v1beta/models``, what is there, and what each model does, at ``/v1`` too."""
    models = Models(engine)
    endpoints: dict[str, Any] = {
        "generateContent": ModelEndpoint(engine, request.parse, reply.render),
        "streamGenerateContent": ModelEndpoint(engine, request.parse_stream, reply.render),
        "countTokens": TokenCount(engine, request.parse_count, _counted),
        "embedContent": ModelEndpoint(engine, embedding.parse, embedding.render),
        "batchEmbedContents": ModelEndpoint(engine, embedding.parse_batch, embedding.render_batch),
    }
    return [
        *(
            Route(f"{version}{MODEL}:{method}", endpoint, methods=["POST"])
            for version in VERSIONS
            for method, endpoint in endpoints.items()
        ),
        Route("/v1beta/models", models.list, methods=["GET"]),
        Route(f"/v1beta{MODEL}", models.one, methods=["GET"]),
        _ForGoogle("/v1/models", models.list, methods=["GET"]),
        _ForGoogle(f"/v1{MODEL}", models.one, methods=["GET"]),
    ]


class _ForGoogle(Route):
    """A route that is there for Google's clients; for all others OpenAI's of the same path, which comes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """None where it is not one of theirs."""
        found = super().matches(scope)
        return found if found[0] is Match.FULL and KEY in Headers(scope=scope) else (Match.NONE, {})


def _counted(tokens: int) -> dict[str, Any]:
    return {"totalTokens": tokens}

"""The routes of Anthropic's API."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from gateway.engine import Engine
from gateway.http.anthropic import reply, request
from gateway.http.count import TokenCount
from gateway.http.endpoint import ModelEndpoint


def routes(engine: Callable[[], Engine]) -> list[Route]:
    """``POST /v1/messages`` and ``POST /v1/messages/count_tokens``."""
    messages = ModelEndpoint(engine, request.parse, reply.render)
    count = TokenCount(engine, request.parse_count, lambda tokens: {"input_tokens": tokens})
    return [
        Route("/v1/messages", messages, methods=["POST"]),
        Route("/v1/messages/count_tokens", count, methods=["POST"]),
    ]

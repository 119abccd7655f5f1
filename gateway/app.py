"""The application: which routes there are, and what a request passes on its way to one.

Access        request id, log line, every error as a reply
Authenticate  key and identity
the route     ModelEndpoint: parse, admit, policies, upstream, policies in reverse, render
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import heap
from gateway.contract import Unavailable
from gateway.engine import Engine
from gateway.health import Health
from gateway.http import assistant, completions, kept, native, openai, rag, responses, uploads
from gateway.http.access import Access
from gateway.http.anthropic.routes import routes as anthropic_routes
from gateway.http.auth import Authenticate
from gateway.http.endpoint import ModelEndpoint
from gateway.http.gemini.routes import routes as gemini_routes
from gateway.http.memory import MemoryRoutes
from gateway.http.openapi.routes import routes as document_routes
from gateway.http.prompts import for_prompts
from gateway.http.usage import UsageRoute
from gateway.keys import Keys
from gateway.localmodel.supervisor import LocalModelUnavailableError
from gateway.logs import configure
from gateway.settings import ConfigError, Settings, load
from gateway.tally import Tally


class Gateway:
    """Holds what is in force, so that it can be replaced as a whole while requests run on what they began with."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load()
        self.log = configure(self.settings.gateway.logging, self.settings.log_dir)
        self.keys = Keys(self.settings.keys_file, self.settings.models.file.names, self.log, self.settings.keys)
        self.tally = Tally()
        self.draining = False
        self.refusal: str | None = None
        self._engine: Engine | None = None

    @property
    def built(self) -> bool:
        """Whether the engine came to be."""
        return self._engine is not None

    def engine(self) -> Engine:
        """The engine in force; raises Unavailable before the warm-up is over."""
        if self._engine is None:
            raise Unavailable("The gateway is starting.", code="starting", retry_after=2)
        return self._engine

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncGenerator[None, None]:
        """Builds the engine before the first request, and takes it down after the last."""
        del app
        async with AsyncExitStack() as stack:
            try:
                with heap.building():
                    build = importlib.import_module("gateway.build")  # brings litellm, which takes seconds
                    engine: Engine = await stack.enter_async_context(build.engine(self.settings, self.log))
            except (ConfigError, LocalModelUnavailableError) as error:
                self.refusal = str(error)
                raise
            for warning in (*self.settings.warnings, *engine.plan.warnings):
                self.log("warning", "configuration", detail=warning)
            stack.enter_context(heap.serving())
            self.log("info", "started", primary=engine.plan.primary, local=engine.plan.local)
            self._engine = engine
            yield
        self.log("info", "stopped")


class PlainRefusal:
    """ASGI middleware around the lifespan: a start that is refused says why, without a traceback."""

    def __init__(self, app: ASGIApp, gateway: Gateway, *, said: bool) -> None:
        self._app = app
        self._gateway = gateway
        self._said = said  # whether whoever starts it says why, so that the server need not

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def plain(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed" and self._gateway.refusal:
                message["message"] = "" if self._said else self._gateway.refusal
            await send(message)

        await self._app(scope, receive, plain if scope["type"] == "lifespan" else send)


def routes(gateway: Gateway) -> list[Route]:
    """Every route; one that calls a model is a row of how it is parsed and rendered."""
    health = Health(gateway.engine, lambda: gateway.draining, gateway.tally)
    models = openai.Models(gateway.engine)
    chat = ModelEndpoint(gateway.engine, openai.parse_chat, openai.render_chat)
    completion = ModelEndpoint(lambda: for_prompts(gateway.engine()), completions.parse, completions.render)
    response = ModelEndpoint(gateway.engine, responses.parse, responses.render)
    embedding = ModelEndpoint(gateway.engine, openai.parse_embedding, openai.render_embedding)
    ivy = assistant.Assistant(gateway.tally)
    question = ModelEndpoint(gateway.engine, assistant.parse, ivy.render)
    legacy = ModelEndpoint(gateway.engine, assistant.parse_v1, ivy.render_v1)
    knowledge = ModelEndpoint(gateway.engine, rag.parse, rag.render)
    memory = MemoryRoutes(gateway.engine)
    return [  # the most asked first: Starlette tries one after another, at some 2 us each
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/ai/router/v2", question, methods=["POST"]),
        Route("/ai/router/", legacy, methods=["POST"]),
        Route("/ai/router", legacy, methods=["POST"]),
        Route("/rag/query", knowledge, methods=["POST"]),
        Route("/v1/completions", completion, methods=["POST"]),
        Route("/v1/responses", response, methods=["POST"]),
        Route("/v1/embeddings", embedding, methods=["POST"]),
        *(
            Route(row.path, ModelEndpoint(gateway.engine, row.parse, native.render), methods=["POST"])
            for row in native.ROWS
        ),
        Route("/v1/usage", UsageRoute(gateway.engine).__call__, methods=["GET"]),
        *gemini_routes(gateway.engine),
        Route("/v1/models", models.list, methods=["GET"]),
        Route("/v1/models/{name:path}", models.one, methods=["GET"]),
        *uploads.routes(gateway.engine),
        *kept.routes(gateway.engine),
        *anthropic_routes(gateway.engine),
        Route("/ai/router/health", health.assistant, methods=["GET"]),
        Route("/rag/health", rag.RagHealth(gateway.engine).__call__, methods=["GET"]),
        Route("/ai/memory", memory.__call__, methods=["GET", "DELETE"]),
        Route("/health/live", health.live, methods=["GET"]),
        Route("/health/ready", health.ready, methods=["GET"]),
        *document_routes(),
    ]


class Application(Starlette):
    """Starlette without the layers that it puts around every application to turn errors into replies: here ``Access``
    does so, for those of Starlette's router too, and each layer costs time with every request."""

    def build_middleware_stack(self) -> ASGIApp:
        """Called by Starlette, once."""
        app: ASGIApp = self.router
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        return app


def create(settings: Settings | None = None, *, says_refusals: bool = False) -> tuple[ASGIApp, Gateway]:
    """The ASGI application and what it runs on; raises ConfigError."""
    gateway = Gateway(settings)
    app = Application(
        routes=routes(gateway),
        middleware=[
            Middleware(
                Access,
                log=gateway.log,
                texts=gateway.settings.gateway.logging.texts,
                write_seconds=gateway.settings.gateway.server.write_seconds,
            ),
            Middleware(Authenticate, master_key=gateway.settings.master_key, keys=gateway.keys),
        ],
        lifespan=gateway.lifespan,
    )
    app.router.redirect_slashes = False
    return PlainRefusal(app, gateway, said=says_refusals), gateway


def __getattr__(name: str) -> Any:
    """``gateway.app:app`` for ASGI servers, made when it is first asked for."""
    if name != "app":
        raise AttributeError(name)
    try:
        globals()["app"] = create()[0]
    except (ConfigError, OSError) as error:  # without a traceback, as `python -m gateway serve` says it
        raise SystemExit(f"The gateway was not started:\n{error}") from None
    return globals()["app"]

"""The health routes: alive, ready, and how the assistant is doing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway import __version__
from gateway.engine import Engine
from gateway.tally import Tally

Json = dict[str, Any]


class Health:
    """``engine`` raises Unavailable while there is none; ``draining`` tells whether the process is leaving; ``tally``
    has counted the Ivy replies."""

    def __init__(self, engine: Callable[[], Engine], draining: Callable[[], bool], tally: Tally) -> None:
        self._engine = engine
        self._draining = draining
        self._tally = tally

    async def live(self, request: Request) -> JSONResponse:
        """``GET /health/live``: the process runs. The one route that asks for no key."""
        del request
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> JSONResponse:
        """``GET /health/ready``: warm, and not about to leave; else 503."""
        del request
        if self._draining():
            return JSONResponse({"status": "draining"}, 503, {"Retry-After": "5"})
        self._engine()  # raises Unavailable
        return JSONResponse({"status": "ready"})

    async def assistant(self, request: Request) -> JSONResponse:
        """``GET /ai/router/health``: version, flags, models, breakers, limits, memory, and what replies were."""
        del request
        engine = self._engine()
        models = [_deployment(engine, d.id) for d in engine.plan.deployments]
        reasons = [f"{m['deployment']}: {m['reason']}" for m in models if m["reason"] and m["serves_assistant"]]
        local = engine.local.status() if engine.local else None
        settings = engine.settings.gateway
        memory = engine.memory.usage()
        return JSONResponse(
            {
                "status": "degraded" if reasons else "ok",
                "reasons": reasons,
                "version": __version__,
                "uptime_seconds": int(time.time() - engine.started),
                "draining": self._draining(),
                "flags": {**settings.flags.model_dump(), **settings.rollout.model_dump()},
                "primary": engine.plan.primary,
                "fallback": engine.plan.fallback,
                "local_model": local,
                "deployments": models,
                "under_way": _under_way(engine),
                "limits": settings.limits.model_dump(),
                "memory": {"bytes": memory.bytes, "max_bytes": memory.most, "conversations": memory.conversations},
                "replies": self._tally.report(),
            }
        )


def _under_way(engine: Engine) -> Json:
    """What has not ended yet; this request's own task is one of ``tasks``."""
    probes = sum(breaker.probing for breaker in engine.candidates.breakers.values())
    calls = engine.candidates.under_way
    return {"provider_calls": calls, "probes": probes, "tasks": len(asyncio.all_tasks())}


def _deployment(engine: Engine, name: str) -> Json:
    deployment = next(d for d in engine.plan.deployments if d.id == name)
    breaker = engine.candidates.breaker(name)
    aside = engine.candidates.aside(name)
    state = breaker.state
    slow = "lags behind" if engine.candidates.laggards.behind(name) else None
    return {
        "deployment": name,
        "model": deployment.group,
        "provider": deployment.provider,
        "lane": deployment.lane,
        "serves_assistant": deployment.group in engine.plan.chains["default"],
        "breaker": state,
        "breaker_errors": breaker.errors,
        "breaker_seconds_left": round(breaker.seconds_left, 1),
        "reason": deployment.unusable or aside or (f"breaker {state}" if state != "closed" else slow),
    }

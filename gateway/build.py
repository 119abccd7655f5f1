"""Builds an engine from settings: opened in order, closed in reverse."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from gateway import redact
from gateway.assembly import assemble
from gateway.breaker import Breaker
from gateway.contract import Operation, Unavailable
from gateway.embedding import embedding_models
from gateway.engine import Engine
from gateway.lanes.boot import close_clients
from gateway.lanes.catalog import Plan, RouterPicker, plan
from gateway.lanes.full import LiteLLMLane
from gateway.lanes.gemini_wire import GeminiWire
from gateway.lanes.kept import Kept
from gateway.lanes.lean import LeanLane
from gateway.lanes.native import NativeLane
from gateway.lanes.openai_wire import OpenAIWire
from gateway.lanes.transport import Transport
from gateway.lanes.warmup import warm_up
from gateway.lanes.wire import Wire
from gateway.limits import Admission
from gateway.localmodel.supervisor import LocalModel
from gateway.logs import Log
from gateway.memory import InProcessMemory
from gateway.pipeline import Pipeline
from gateway.retrieval.knowledge import ServedKnowledge
from gateway.settings import Settings
from gateway.settings.schema import RouteSeconds, Timeouts
from gateway.upstream import Upstream
from gateway.upstream.candidates import Candidates
from gateway.upstream.deployment import Deployment, Lane
from gateway.upstream.failures import Kind
from gateway.upstream.laggards import Laggards
from gateway.usage_file import kept


@asynccontextmanager
async def engine(settings: Settings, log: Log) -> AsyncGenerator[Engine, None]:
    """A warm engine. Raises ConfigError, or LocalModelUnavailableError where no key is set and it can't run."""
    async with AsyncExitStack() as stack:
        configured = plan(settings)
        keys = (deployment.api_key for deployment in configured.deployments)
        redact.hide((settings.master_key, *settings.environment.secrets(), *keys))
        models, local = await _models(configured, stack, log)
        transport = Transport(settings.gateway.upstream, settings.gateway.timeouts)
        stack.push_async_callback(transport.aclose)
        stack.push_async_callback(close_clients)
        picker = RouterPicker(models)
        wires: dict[str, Wire] = {
            "openai": OpenAIWire(drop_params=models.drop_params),
            "local": OpenAIWire(drop_params=True, text_only=True),
            "gemini": GeminiWire(drop_params=models.drop_params),
        }
        lanes: dict[str, Lane] = {
            "lean": LeanLane(transport, wires, settings.gateway.upstream, settings.gateway.timeouts),
            "native": NativeLane(
                transport, settings.gateway.upstream.max_reply_bytes, settings.gateway.timeouts.tail_seconds
            ),
            "litellm": LiteLLMLane(picker.router, settings.gateway.upstream.max_reply_bytes),
        }
        candidates = Candidates(
            models.chain,
            picker,
            lanes,
            _breakers(settings, log),
            rescues={
                Kind.TOO_LONG: models.context_window_fallbacks,
                Kind.REFUSED: models.content_policy_fallbacks,
            },
            laggards=Laggards(settings.gateway.breaker),
            set_aside_seconds=settings.gateway.retries.set_aside_seconds,
        )
        timeouts = timeouts_for(settings, keyless=local is not None)
        # The local model stands alone, so that nothing need be kept for a next one.
        alone = {"hurried_share": 1.0} if local else {}
        upstream = Upstream(candidates, timeouts, settings.gateway.retries, log, **alone)
        memory = InProcessMemory(settings.gateway.memory)
        knowledge = ServedKnowledge(settings.gateway.knowledge, embedding_models(models, lambda: pipeline), log)
        stack.push_async_callback(knowledge.aclose)
        pipeline: Pipeline = assemble(settings, upstream, memory, log, knowledge=knowledge, local=local is not None)
        await warm_up(models, picker.router, wires)
        with suppress(Unavailable):  # the log has it, and the assistant answers without
            await knowledge.store()
        usage = await stack.enter_async_context(kept(settings.log_dir, log))
        yield Engine(
            settings=settings,
            plan=models,
            admission=Admission(settings.gateway.limits),
            candidates=candidates,
            pipeline=pipeline,
            local=local,
            memory=memory,
            kept=Kept(models, transport, settings.gateway.timeouts),
            knowledge=knowledge,
            started=int(time.time()),
            usage=usage,
        )


async def _models(models: Plan, stack: AsyncExitStack, log: Log) -> tuple[Plan, LocalModel | None]:
    """The plan, with the local model started and added where no provider can be called."""
    if not models.keyless:
        return models, None

    def on_event(name: str, **fields: object) -> None:
        log("warning", name, **fields)

    local = await LocalModel.start(on_event)
    stack.push_async_callback(local.stop)
    deployment = Deployment(
        id=LocalModel.MODEL_NAME,
        group=LocalModel.MODEL_NAME,
        provider="local",
        model=LocalModel.MODEL_NAME.rpartition("/")[2],
        lane="lean",
        api_base=local.api_base,
        api_key=local.api_key,
        modes=frozenset({Operation.CHAT}),
        litellm_params={"model": f"openai/{LocalModel.MODEL_NAME.rpartition('/')[2]}"},
    )
    return models.with_local(deployment), local


def timeouts_for(settings: Settings, *, keyless: bool) -> Timeouts:
    """A model on this machine's own processor is owed more patience than a provider."""
    timeouts = settings.gateway.timeouts
    if not keyless:
        return timeouts
    patience = {"first_token_seconds": 60.0, "attempt_seconds": RouteSeconds(v1=120.0, ivy=120.0)}
    return timeouts.model_copy(update={**patience, "request_seconds": RouteSeconds(v1=180.0, ivy=180.0)})


def _breakers(settings: Settings, log: Log) -> Callable[[str], Breaker]:
    def on_change(name: str, old: str, new: str) -> None:
        log("warning" if new == "open" else "info", "circuit_breaker", deployment=name, old_state=old, state=new)

    return lambda name: Breaker(name, settings.gateway.breaker, on_change)

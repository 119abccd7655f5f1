"""Runs every lane once without a network, so that LiteLLM's lazy imports don't hold up the first callers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from gateway.contract import Call, Identity, Operation, Surface
from gateway.lanes.boot import clear_callbacks
from gateway.lanes.catalog import Plan
from gateway.lanes.full import ALWAYS
from gateway.lanes.wire import Wire, copy
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure

MESSAGES = [{"role": "system", "content": "."}, {"role": "user", "content": "."}]
#: Of two parts, so that it is LiteLLM's to translate (``gemini_plain``).
GEMINI_REPLY: Mapping[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "."}] * 2, "role": "model"}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


async def warm_up(plan: Plan, router: Any, wires: Mapping[str, Wire]) -> None:
    """Translate a request and a reply on each lean wire, and answer one call of LiteLLM's lane from a mock."""
    for deployment in plan.deployments:
        if deployment.unusable or not deployment.does(Operation.CHAT):
            continue
        if deployment.lane == "lean":
            await asyncio.to_thread(_translate, wires[deployment.provider], deployment)
        else:
            await _complete(router, deployment)


def _translate(wire: Wire, deployment: Deployment) -> None:
    call = Call(
        request_id="warm-up",
        surface=Surface.V1,
        operation=Operation.CHAT,
        model=deployment.group,
        params={"messages": MESSAGES, "temperature": 0.5},
        identity=Identity("local"),
        stream=True,
    )
    with suppress(Failure):
        wire.request(deployment, call)
        if deployment.provider == "gemini":
            wire.stream(deployment, call).read(copy(GEMINI_REPLY))
            wire.whole(deployment, call, copy(GEMINI_REPLY))


async def _complete(router: Any, deployment: Deployment) -> None:
    with suppress(Exception):  # what can't be warmed up here says so when it is called
        await router.acompletion(model=deployment.id, messages=MESSAGES, mock_response=".", **ALWAYS)
        stream = await router.acompletion(
            model=deployment.id, messages=MESSAGES, mock_response=".", stream=True, **ALWAYS
        )
        async for _ in stream:
            pass
    clear_callbacks()

"""The configured models that can embed, as retrieval asks them: through the policies, the breakers and the retries."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.contract import Call, Identity, Operation, Surface, UpstreamRejected
from gateway.pipeline import Pipeline
from gateway.retrieval.embedders import Ask, Models
from gateway.retrieval.types import Vector

if TYPE_CHECKING:
    from gateway.lanes.catalog import Plan

#: Who asks, for policies and limits: nobody's own request.
HERE = Identity("knowledge")


def embedding_models(plan: Plan, pipeline: Callable[[], Pipeline]) -> Models:
    """By ``model_name``, in the file's order: those that are known to embed, and have their key."""
    usable = {d.group for d in plan.deployments if not d.unusable and Operation.EMBEDDING in (d.modes or ())}
    named = [name for name in plan.names if name in usable and name in plan.chains]
    return {name: _ask(name, pipeline) for name in named}


def _ask(name: str, pipeline: Callable[[], Pipeline]) -> Ask:
    async def ask(texts: Sequence[str], /) -> Sequence[Vector]:
        """Raises GatewayError. No other model may stand in: vectors of two models don't go together."""
        call = Call(
            request_id=f"knowledge-{uuid.uuid4().hex}",
            surface=Surface.V1,
            operation=Operation.EMBEDDING,
            model=name,
            params={"input": list(texts), "encoding_format": "float"},
            identity=HERE,
            only=frozenset({name}),
        )
        async with pipeline().run(call) as answer:
            chunks = [chunk async for chunk in answer.chunks]
        if not chunks:
            raise UpstreamRejected("The model answered nothing.", status=502)
        data = sorted(chunks[-1].data["data"], key=lambda item: item["index"])
        return [item["embedding"] for item in data]

    return ask

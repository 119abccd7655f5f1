from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Chunk, Operation, Unavailable, UpstreamRejected
from gateway.embedding import embedding_models
from gateway.pipeline import Pipeline
from gateway.upstream.deployment import Deployment
from tests.support.asgi import Lines
from tests.support.configuration import Configuration
from tests.support.fakes import FakeUpstream, deployment

EMBEDS = frozenset({Operation.EMBEDDING})


def plan(*deployments: Deployment) -> Any:
    names = tuple(dict.fromkeys(d.group for d in deployments))
    return cast(Any, SimpleNamespace(deployments=deployments, names=names, chains={name: (name,) for name in names}))


def pipeline(*steps: Chunk, fails: Exception | None = None) -> tuple[Pipeline, FakeUpstream]:
    upstream = FakeUpstream(*steps, fails=fails)
    return Pipeline((), upstream, Lines()), upstream


def reply(*vectors: Sequence[float]) -> Chunk:
    data = [{"index": number, "embedding": list(vector)} for number, vector in enumerate(vectors)]
    return Chunk({"object": "list", "data": data[::-1]})


def test_those_that_are_known_to_embed_and_have_their_key_in_the_file_s_order() -> None:
    made = plan(
        deployment("b", modes=EMBEDS),
        deployment("chats", modes=frozenset({Operation.CHAT})),
        deployment("keyless", modes=EMBEDS, unusable="KEY is not set"),
        deployment("unknown"),
        deployment("a", modes=EMBEDS),
    )
    assert list(embedding_models(made, lambda: pipeline()[0])) == ["b", "a"]


def test_of_the_project_s_own_shape(configuration: Configuration) -> None:
    assert list(embedding_models(configuration.plan(), lambda: pipeline()[0])) == ["vectors"]
    assert list(embedding_models(configuration.plan(keys=False), lambda: pipeline()[0])) == []


async def test_a_model_is_asked_through_the_policies_and_no_other_may_stand_in() -> None:
    made, upstream = pipeline(reply([1.0, 0.0], [0.0, 1.0]))
    ask = embedding_models(plan(deployment("a", modes=EMBEDS)), lambda: made)["a"]
    assert await ask(["one", "two"]) == [[1.0, 0.0], [0.0, 1.0]]
    (call,) = upstream.calls
    assert (call.operation, call.model, call.only) == (Operation.EMBEDDING, "a", frozenset({"a"}))
    assert call.params == {"input": ["one", "two"], "encoding_format": "float"}


@pytest.mark.parametrize("error", [Unavailable("down"), UpstreamRejected("no", status=400)], ids=["down", "rejected"])
async def test_an_error_is_passed_on(error: Exception) -> None:
    made, _ = pipeline(fails=error)
    with pytest.raises(type(error)):
        await embedding_models(plan(deployment("a", modes=EMBEDS)), lambda: made)["a"](["one"])


async def test_an_answer_of_nothing_is_an_error() -> None:
    made, _ = pipeline()
    with pytest.raises(UpstreamRejected):
        await embedding_models(plan(deployment("a", modes=EMBEDS)), lambda: made)["a"](["one"])

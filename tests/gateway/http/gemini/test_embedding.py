from __future__ import annotations

import base64
import struct
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.contract import Call, Chunk, Identity, InvalidRequest, NotFound, Operation
from gateway.engine import Engine
from gateway.http.gemini import embedding
from gateway.pipeline import Pipeline
from tests.support.asgi import Lines, Sent, scope
from tests.support.fakes import FakeUpstream, make_call

ANN = Identity("127.0.0.1", "ann")
ONE, TWO = {"parts": [{"text": "one"}]}, {"parts": [{"text": "two"}, {"text": "more"}]}


class Plan:
    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        if (name, operation) != ("m", Operation.EMBEDDING):
            raise NotFound("no such model", code="model_not_found", param="model")
        return (name,)


ENGINE = cast(Engine, SimpleNamespace(plan=Plan()))


def at(model: str = "m") -> Any:
    return scope(request_id="r", path_params={"model": model})


def one(**changes: Any) -> Call:
    return embedding.parse(ENGINE, at(), {"content": ONE, **changes}, ANN)


def batch(*requests: Any) -> Call:
    return embedding.parse_batch(ENGINE, at(), {"requests": list(requests)}, ANN)


def test_a_content_is_an_input() -> None:
    made = one(taskType="RETRIEVAL_QUERY", title="t", model="models/anything")
    assert (made.operation, made.model, made.identity) == (Operation.EMBEDDING, "m", ANN)
    assert made.params == {"input": ["one"], "encoding_format": "float"}
    assert one(output_dimensionality=4).params["dimensions"] == 4


def test_a_batch_is_several() -> None:
    made = batch(
        {"model": "models/m", "content": ONE, "outputDimensionality": 4},
        {"model": "m", "content": TWO, "outputDimensionality": 4},
        {"content": {"parts": {"text": "three"}}, "outputDimensionality": 4},
    )
    assert made.params == {"input": ["one", "two\nmore", "three"], "encoding_format": "float", "dimensions": 4}


@pytest.mark.parametrize(
    ("requests", "param"),
    [
        ([{"content": ONE}, {"content": ONE, "model": "models/other"}], "requests[1].model"),
        ([{"content": ONE}, {"content": ONE, "outputDimensionality": 4}], "requests[1].outputDimensionality"),
        ([{"content": ONE}, {"content": {"parts": []}}], "requests[1].content"),
        ([{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}}], "requests[0].content"),
        ([{"content": ONE, "x": 1}], "requests[0].x"),
        ([], "requests"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(requests: list[Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        batch(*requests)
    assert caught.value.param == param


def test_a_content_without_text_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        one(content={})
    assert caught.value.param == "content"


def test_only_configured_models_are_found() -> None:
    with pytest.raises(NotFound):
        embedding.parse(ENGINE, at("nope"), {"content": ONE}, ANN)
    with pytest.raises(NotFound):
        embedding.parse_batch(ENGINE, at("nope"), {"requests": [{"content": ONE}]}, ANN)


async def rendered(render: Any, *vectors: Any) -> Any:
    sent = Sent()
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    call = make_call(operation=Operation.EMBEDDING)
    async with Pipeline((), FakeUpstream(Chunk({"data": data[::-1]})), Lines()).run(call) as answer:
        await render(call, answer, {"X-Ivy-Model": "m"}.copy, sent)
    assert sent.headers["x-ivy-model"] == "m"
    return sent.json


async def test_vectors_are_values_in_the_order_of_the_requests() -> None:
    assert await rendered(embedding.render, [0.5, -1.0]) == {"embedding": {"values": [0.5, -1.0]}}
    assert await rendered(embedding.render_batch, [0.5], [0.25]) == {
        "embeddings": [{"values": [0.5]}, {"values": [0.25]}]
    }


async def test_openai_s_base64_is_read_too() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    assert await rendered(embedding.render, packed) == {"embedding": {"values": [0.5, -1.0]}}

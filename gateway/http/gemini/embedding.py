"""``:embedContent`` and ``:batchEmbedContents``: Gemini's embeddings in OpenAI's terms.

The task an embedding is for has no place in OpenAI's request, and is passed over.
"""

from __future__ import annotations

import base64
import struct
from typing import Any, cast

from starlette.types import Scope, Send

from gateway.contract import Call, Identity, InvalidRequest, Operation, Surface
from gateway.engine import Engine
from gateway.http.endpoint import Headers
from gateway.http.gemini.request import model_name
from gateway.http.reply import send_json
from gateway.http.schema.check import check
from gateway.http.schema.gemini import BATCH, EMBED
from gateway.pipeline import Answer

Json = dict[str, Any]


def parse(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``:embedContent``."""
    asked = cast(Json, check(EMBED, body))
    return _call(engine, scope, identity, [asked], "")


def parse_batch(engine: Engine, scope: Scope, body: Json, identity: Identity) -> Call:
    """``:batchEmbedContents``: all requests are of one model, and of one size."""
    asked = cast(Json, check(BATCH, body))
    return _call(engine, scope, identity, asked["requests"], "requests")


async def render(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """``{"embedding": {"values": [float]}}``."""
    del call
    await send_json(send, {"embedding": (await _vectors(answer))[0]}, headers=headers())


async def render_batch(call: Call, answer: Answer, headers: Headers, send: Send) -> None:
    """``{"embeddings": [{"values": [float]}]}``, in the order of the requests."""
    del call
    await send_json(send, {"embeddings": await _vectors(answer)}, headers=headers())


def _call(engine: Engine, scope: Scope, identity: Identity, requests: list[Json], where: str) -> Call:
    model = model_name(scope)
    engine.plan.chain(model, Operation.EMBEDDING)
    texts = [_text(one, f"{where}[{number}]." if where else "") for number, one in enumerate(requests)]
    for number, one in enumerate(requests):
        if where and one.get("model") not in (None, "", model, f"models/{model}"):
            param = f"{where}[{number}].model"
            raise InvalidRequest(f"'{param}' must be the model of the path.", param=param)
        if one.get("output_dimensionality") != requests[0].get("output_dimensionality"):
            param = f"{where}[{number}].outputDimensionality"
            raise InvalidRequest(f"'{param}' must be the same in all requests.", param=param)
    size = requests[0].get("output_dimensionality")
    return Call(
        request_id=scope["request_id"],
        surface=Surface.V1,
        operation=Operation.EMBEDDING,
        model=model,
        params={"input": texts, "encoding_format": "float"} | ({"dimensions": size} if size else {}),
        identity=identity,
    )


def _text(request: Json, where: str) -> str:
    parts = request["content"].get("parts") or []
    texts = [part["text"] for part in parts if part.get("text")]
    if not texts or len(texts) < len(parts):
        param = f"{where}content"
        raise InvalidRequest(f"'{param}' must hold text, and nothing else.", param=param)
    return "\n".join(texts)


async def _vectors(answer: Answer) -> list[Json]:
    data: Json = dict([chunk async for chunk in answer.chunks][-1].data)
    items = sorted(data["data"], key=lambda item: item.get("index", 0))
    return [{"values": _floats(item["embedding"])} for item in items]


def _floats(numbers: list[float] | str) -> list[float]:
    """Some providers give OpenAI's base64 of 32-bit floats whatever they are asked for."""
    if not isinstance(numbers, str):
        return numbers
    raw = base64.b64decode(numbers)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))

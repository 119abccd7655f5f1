"""The file of a batch: one request a line, whose model is replaced by the provider's name for it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from gateway.bounded_json import loads
from gateway.contract import Forbidden, GatewayError, InvalidRequest, Upload
from gateway.engine import Engine
from gateway.http import schema
from gateway.http.control import shown
from gateway.http.schema.batches import LINE
from gateway.settings.keys import Key

MOST_LINES = 50_000
TURN = 64  # lines after which other requests have theirs


async def translated(engine: Engine, key: Key | None, file: Upload) -> Upload:
    """``file`` as it is sent on. Raises GatewayError for the first line that is wrong, with its number, and for a model
    that the key may not use."""
    lines: list[bytes] = []
    for number, line in enumerate(file.content.splitlines(), start=1):
        if line.strip():
            try:
                lines.append(_translated(engine, key, line))
            except (InvalidRequest, Forbidden) as error:
                raise _at(number, error) from None
        if len(lines) > MOST_LINES:
            raise InvalidRequest(f"A batch may have at most {MOST_LINES} lines.", param="file")
        if number % TURN == 0:
            await asyncio.sleep(0)
    if not lines:
        raise InvalidRequest("The batch has no lines.", param="file")
    return file._replace(content=b"\n".join(lines) + b"\n")


def _translated(engine: Engine, key: Key | None, line: bytes) -> bytes:
    try:
        request: Any = loads(line)
    except ValueError:
        raise InvalidRequest("It is not valid JSON.", code="invalid_json") from None
    if not isinstance(request, dict):
        raise InvalidRequest("It must be a JSON object.", code="invalid_type")
    body = schema.check(LINE, request)["body"]
    if "model" not in body:
        raise InvalidRequest("Missing required parameter: 'body.model'.", code="missing_required_parameter")
    if not isinstance(body["model"], str):
        raise InvalidRequest("Invalid type for 'body.model': it must be a string.", code="invalid_type")
    model = engine.kept.model(body["model"])
    if not shown(engine, key, body["model"]):
        raise Forbidden(f"This key may not use the model {body['model']!r}.", code="model_not_allowed")
    return orjson.dumps({**request, "body": {**body, "model": model}})


def _at(number: int, error: GatewayError) -> GatewayError:
    return type(error)(f"Line {number} of the batch: {error.message}", code=error.code, param=f"file[{number}]")

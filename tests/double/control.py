"""The control API under `/_double/`: scripts, settings, the log of calls."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .connection import Connection
from .faults.registry import BadFault, plan, told
from .manner import Prefill
from .request import Request
from .script import Script, State

Handler = Callable[[State, Request], Awaitable[Any]]
MANNER = ("continuation", "prefill", "piece_chars")
Milliseconds = Annotated[float, Field(ge=0)]


class ScriptBody(BaseModel):
    """POST /_double/script. An empty list of faults makes the calls that match healthy; so does the
    end of `seconds` from now."""

    model_config = ConfigDict(extra="forbid", strict=True)
    provider: Literal["openai", "gemini", "any"]
    model: str | None = None
    path: str | None = None
    faults: list[Any]
    then: Literal["ok", "repeat"] = "ok"
    seconds: Annotated[float, Field(ge=0)] | None = None


class SettingsBody(BaseModel):
    """POST /_double/settings; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)
    latency_ms: Milliseconds | None = None
    chunk_interval_ms: Milliseconds | None = None
    log_calls: bool | None = None
    continuation: str | None = None
    prefill: Prefill | None = None
    piece_chars: Annotated[int, Field(ge=0)] | None = None


async def answer(state: State, connection: Connection, request: Request) -> None:
    """Answers one control request; 400 names what is wrong with it."""
    handler = ROUTES.get((request.method, request.path))
    status, reply = 200, None
    try:
        reply = await handler(state, request) if handler else None
        status = 200 if handler else 404
    except ValidationError as error:
        status, reply = 400, {"error": told(error)}
    except (BadFault, ValueError) as error:
        status, reply = 400, {"error": str(error)}
    body = orjson.dumps(reply)
    head = f"HTTP/1.1 {status} Control\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.write(head.encode())
    await connection.write_slowly(body)
    connection.done()


async def _script(state: State, request: Request) -> Any:
    given = ScriptBody.model_validate(orjson.loads(request.body))
    faults = [plan(one) for one in given.faults]
    until = math.inf if given.seconds is None else time.monotonic() + given.seconds
    state.add(Script(given.provider, given.model, given.path, faults, given.then, until))
    return {"faults": len(faults)}


async def _settings(state: State, request: Request) -> Any:
    given = SettingsBody.model_validate(orjson.loads(request.body))
    settings, log = state.settings, state.log
    if given.latency_ms is not None:
        settings.latency = given.latency_ms / 1000
    if given.chunk_interval_ms is not None:
        settings.interval = given.chunk_interval_ms / 1000
    if given.log_calls is not None:
        log.keep = given.log_calls
    changed = given.model_dump(include=set(MANNER), exclude_none=True)
    settings.manner = replace(settings.manner, **changed)
    return {
        "latency_ms": settings.latency * 1000,
        "chunk_interval_ms": settings.interval * 1000,
        "log_calls": log.keep,
        **asdict(settings.manner),
    }


async def _reset(state: State, request: Request) -> Any:
    state.reset()
    return {}


async def _calls(state: State, request: Request) -> Any:
    provider = request.query.get("provider")
    if "wait_for" in request.query:
        seconds = float(request.query.get("timeout", "10"))
        await state.log.wait(int(request.query["wait_for"]), seconds, provider)
    return {"ended": state.log.ended(provider), "calls": state.log.views(provider)}


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "/_double/script"): _script,
    ("POST", "/_double/settings"): _settings,
    ("POST", "/_double/reset"): _reset,
    ("GET", "/_double/calls"): _calls,
}

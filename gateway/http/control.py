"""What a caller's key allows, and what the ``X-Ivy-*`` headers ask for.

``X-Ivy-Disable-Fallbacks: true``  only the model that was asked for: no other one, whatever happens
``X-Ivy-Timeout: 2.5``             seconds for the providers; it shortens what is configured
``X-Ivy-No-Cache: true``           a fresh answer; nothing is cached here, so that every answer is one
"""

from __future__ import annotations

import re
from dataclasses import replace

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.contract import DEFAULT_MODEL, Call, Forbidden, InvalidRequest, NotFound, Operation
from gateway.engine import Engine
from gateway.settings.keys import Key

FALLBACKS, TIMEOUT, NO_CACHE = "X-Ivy-Disable-Fallbacks", "X-Ivy-Timeout", "X-Ivy-No-Cache"
PREFIX = b"x-ivy-"
SHORTEST_SECONDS = 0.1
NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


def controlled(engine: Engine, scope: Scope, call: Call) -> Call:
    """``call`` as the key and the headers let it be; raises Forbidden for a model that the key may not use, and
    InvalidRequest naming a header that is wrong."""
    key: Key | None = scope.get("key")
    may = allowed(engine, key)
    if may is not None:
        call = replace(call, only=_only(engine, call, may))
    for name, _ in scope["headers"]:
        if name.startswith(PREFIX):
            return _asked(engine, Headers(scope=scope), call)
    return call


def allowed(engine: Engine, key: Key | None) -> frozenset[str] | None:
    """The names that ``key`` may use, ``default`` as what it stands for; None for all. The local model, which stands in
    where no other can be called, is anybody's."""
    if key is None or key.models is None:
        return None
    plan = engine.plan
    names = {plan.primary if name == DEFAULT_MODEL else name for name in key.models}
    return frozenset(names | ({plan.local} if plan.local else set()))


def shown(engine: Engine, key: Key | None, name: str) -> bool:
    """Whether a list of models shows ``name`` to who holds ``key``."""
    may = allowed(engine, key)
    return may is None or _stands_for(engine, name) in may


def _stands_for(engine: Engine, name: str) -> str:
    return engine.plan.chains[name][0] if name in engine.plan.chains else name


def _only(engine: Engine, call: Call, may: frozenset[str]) -> frozenset[str]:
    """Who may be asked: a fallback never leads to a model that the key may not use."""
    names = ", ".join(sorted(may))
    if _stands_for(engine, call.model) not in may:
        message = f"This key may not use the model {call.model!r}; it may use: {names}."
        raise Forbidden(message, code="model_not_allowed", param="model")
    if may.isdisjoint(engine.plan.chain(call.model, call.operation)):
        what = call.operation.value.replace("_", " ")
        message = f"No model that this key may use can do {what}; it may use: {names}."
        raise Forbidden(message, code="model_not_allowed", param="model")
    return may


def first(engine: Engine, scope: Scope, operation: Operation) -> str:
    """The model of a request that names none: the first that can, of those that the caller's key may use."""
    return engine.plan.first(operation, allowed(engine, scope.get("key")))


def told(engine: Engine, scope: Scope, error: NotFound) -> NotFound:
    """``error`` as it is told to the caller: of a model that is not there, with no more names than the key may use."""
    may = allowed(engine, scope.get("key"))
    if may is None or error.code != "model_not_found":
        return error
    message = f"There is no such model for this key; it may use: {', '.join(sorted(may))}."
    return NotFound(message, code=error.code, param=error.param)


def _asked(engine: Engine, headers: Headers, call: Call) -> Call:
    _flag(headers, NO_CACHE)
    if _flag(headers, FALLBACKS):
        own = _stands_for(engine, call.model)
        if own not in engine.plan.chain(call.model, call.operation):
            what = call.operation.value.replace("_", " ")
            raise InvalidRequest(
                f"{call.model!r} can't do {what} itself, and {FALLBACKS} leaves no other.", param=FALLBACKS
            )
        call = replace(call, only=frozenset({own}))
    timeout = headers.get(TIMEOUT)
    if timeout is None:
        return call
    longest: float = getattr(engine.settings.gateway.timeouts.request_seconds, call.surface)
    return replace(call, seconds=call.within(_seconds(timeout, longest)))


def _flag(headers: Headers, name: str) -> bool:
    value = headers.get(name, "false").strip().lower()
    if value not in ("true", "false"):
        raise InvalidRequest(f"{name} must be true or false.", param=name)
    return value == "true"


def _seconds(value: str, longest: float) -> float:
    seconds = float(value) if NUMBER.fullmatch(value.strip()) else 0.0
    if not SHORTEST_SECONDS <= seconds <= longest:
        message = f"{TIMEOUT} must be a number of seconds from {SHORTEST_SECONDS:g} to {longest:g}."
        raise InvalidRequest(message, param=TIMEOUT)
    return seconds

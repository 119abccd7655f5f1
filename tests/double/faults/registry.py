"""The registry of faults: a decorator, and the check of what a script asks for."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

Run = Callable[..., Awaitable[None]]

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Milliseconds = Annotated[float, Field(ge=0)]


class BadFault(Exception):
    """A fault that the double does not know, or fields that its kind does not have."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `healthy`: the answer still arrives in full, only late, so that its call completes."""

    name: str
    run: Run
    fields: type[BaseModel]
    healthy: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault with its fields, as a script holds it."""

    kind: Kind
    arguments: dict[str, Any]


KINDS: dict[str, Kind] = {}


def fault(*, healthy: bool = False) -> Callable[[Run], Run]:
    """Registers a function `async (turn, *, fields...)` as the fault of its name; a final _ is dropped."""

    def register(run: Run) -> Run:
        name = run.__name__.removesuffix("_")
        KINDS[name] = Kind(name, run, _fields(name, run), healthy)
        return run

    return register


def _fields(name: str, run: Run) -> type[BaseModel]:
    """The function's keyword-only arguments as a strict model."""
    hints = get_type_hints(run, include_extras=True)
    wanted = [one for one in inspect.signature(run).parameters.values() if one.kind is one.KEYWORD_ONLY]
    fields: dict[str, Any] = {
        one.name: (hints[one.name], ... if one.default is one.empty else one.default) for one in wanted
    }
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)


def plan(given: Any) -> Planned:
    """Checks one FAULT object. Raises BadFault with the kind and the fields that are wrong."""
    if not isinstance(given, dict) or "kind" not in given:
        raise BadFault(f"a fault is an object with a kind: {given!r}")
    kind = KINDS.get(str(given["kind"]))
    if kind is None:
        raise BadFault(f"unknown fault kind {given['kind']!r}; known: {', '.join(sorted(KINDS))}")
    rest = {name: value for name, value in given.items() if name != "kind"}
    try:
        checked = kind.fields.model_validate(rest)
    except ValidationError as error:
        raise BadFault(f"fault {kind.name!r}: {told(error)}") from None
    return Planned(kind, {name: getattr(checked, name) for name in kind.fields.model_fields})


def told(error: ValidationError) -> str:
    """What is wrong with which field, in one line."""
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())

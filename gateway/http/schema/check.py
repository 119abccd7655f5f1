"""Holds a body against its schema; the first thing that is wrong is told with the field's name."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gateway.contract import InvalidRequest

T = TypeVar("T")
LONGEST_PATH = 200


def check(adapter: TypeAdapter[T], body: dict[str, Any]) -> T:
    """``body`` as its schema has it; raises InvalidRequest for the first thing wrong with it, naming the field."""
    try:
        return adapter.validate_python(body)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False, include_context=True, include_input=False)[0]) from None


def _invalid(details: ErrorDetails) -> InvalidRequest:
    param = _path(details["loc"], written=details["type"] == "extra_forbidden")
    if details["type"] == "extra_forbidden":
        return InvalidRequest(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
    if details["type"] == "missing":
        return InvalidRequest(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")
    if details["type"] == "union_tag_invalid":
        context = details.get("ctx", {})
        key, tags = _union(param, str(context.get("expected_tags", "")))
        return InvalidRequest(f"Invalid value for '{key}': it must be one of {tags}.", param=key)
    wrong_type = details["type"].endswith("_type")
    what = details["msg"].removeprefix("Value error, ")
    what = what[:1].lower() + what[1:]
    return InvalidRequest(
        f"Invalid {'type' if wrong_type else 'value'} for '{param}': {what}.",
        param=param,
        code="invalid_type" if wrong_type else "invalid_value",
    )


def _union(param: str, tags: str) -> tuple[str, str]:
    """The key that told the members of a union apart, and the values it may have."""
    named = tags.replace("'<", "'").replace(">'", "'")
    if "'list'" in named or "'mapping'" in named:
        return param, named
    key = "role" if "'assistant'" in named else "type"
    return f"{param}.{key}", named


def _path(location: tuple[int | str, ...], *, written: bool) -> str:
    """``messages[0].content`` for a place in the body; a union's tags are no part of it. ``written`` says that
    the last part is what the caller wrote, so that it is no tag, whatever it looks like."""
    path = ""
    for number, part in enumerate(location, start=1):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<") or (written and number == len(location)):
            path += f".{part}" if path else part
    return path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH] + "…"

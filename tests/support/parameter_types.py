"""Reads parameter types: of OpenAI's client, and of the tables that stand for them here."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Tag
from typing_extensions import get_type_hints, is_typeddict


def literals(hint: Any) -> set[Any]:
    """The values that a field may have, where it has some; those of tables in it are not among them."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    inner = get_args(hint) if get_origin(hint) in (Union, types.UnionType, Annotated, list) else ()
    return {value for one in inner for value in literals(one)}


def kinds(union: Any) -> set[str]:
    """The values of ``type`` in the tables of a union of OpenAI's."""
    return {str(value) for table in _tables(union) for value in literals(get_type_hints(table).get("type"))}


def tags(union: Any) -> set[str]:
    """What tells the members of a union of ours apart."""
    (tagged, _) = get_args(union)
    return {tag.tag.strip("<>") for one in get_args(tagged) for tag in one.__metadata__ if isinstance(tag, Tag)}


def _tables(union: Any) -> Iterator[Any]:
    if is_typeddict(union):
        yield union
    else:
        for one in get_args(union):
            yield from _tables(one)

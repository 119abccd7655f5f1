"""Bounds on the JSON Schemas that callers send: providers' translations write each ``$ref`` out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MOST_NODES = 10_000
DEEPEST = 64


def bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` itself; raises ValueError where it, with every reference written out, is too large or deep."""
    if _Sizes(schema).size(schema, 0) > MOST_NODES:
        raise ValueError(f"the schema has over {MOST_NODES} parts, with its references written out")
    return schema


class _Sizes:
    """Counts parts, each definition once: a few references to references can stand for millions."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._known: dict[str, int] = {}

    def size(self, value: Any, depth: int) -> int:
        """Parts of ``value`` with its references written out."""
        if depth > DEEPEST:
            raise ValueError(f"the schema is nested over {DEEPEST} levels deep")
        total = 1 + sum(self.size(child, depth + 1) for child in _children(value))
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            total += self._target(value["$ref"], depth)
        return total

    def _target(self, reference: str, depth: int) -> int:
        if reference not in self._known:
            self._known[reference] = 1  # one that leads back to itself is not written out without end
            self._known[reference] = self.size(self._resolve(reference), depth + 1)
        return self._known[reference]

    def _resolve(self, reference: str) -> Any:
        value: Any = self._root
        for part in reference.removeprefix("#").strip("/").split("/"):
            value = value.get(part) if isinstance(value, dict) and part else value
        return value if value is not self._root else None


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value

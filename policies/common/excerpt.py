"""What templates can need of a context, at a cost that does not grow with the context."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Any, TypeVar

Part = TypeVar("Part")

#: Values for one path; a text is one, as it is clipped where it is said. More items of one list are not said either.
MOST, WIDEST, DEEPEST = 2000, 50, 6


def excerpt(context: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """A context with the values at the dotted ``paths`` only, each up to ``MOST`` values and ``DEEPEST`` levels."""
    made: dict[str, Any] = {}
    for path in sorted(paths):
        *above, last = path.split(".")
        found, place = context, made
        for key in above:
            inner = found.get(key)
            if not isinstance(inner, dict):
                break
            found, place = inner, place.setdefault(key, {})
        else:
            if last in found and last not in place:
                place[last] = _Excerpt().taken(found[last], DEEPEST)
    return made


class _Excerpt:
    """Counts what is taken of one value."""

    def __init__(self) -> None:
        self._left = MOST

    def taken(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if isinstance(value, dict):
            return {key: self.taken(inner, depth - 1) for key, inner in self._some(value.items(), depth)}
        if isinstance(value, list | tuple):
            return [self.taken(inner, depth - 1) for inner in self._some(islice(value, WIDEST), depth)]
        return value

    def _some(self, parts: Iterable[Part], depth: int) -> Iterator[Part]:
        """As many parts as there is room for."""
        return takewhile(lambda _: depth > 0 and self._left > 0, parts)

"""What is done to any modal's payload: its actions mapped, its numbers checked, its words put together for memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from policies.common.actions import Actions
from policies.common.grounds import Grounds
from policies.common.plain import clipped
from policies.common.schema import Schema

LONGEST_WORDS = 4000
MISSING = object()
#: A text with its numbers as the facts write them, or None where it may not be said.
Check = Callable[[str], str | None]


class UngroundedItem(Exception):
    """A list's item holds a number that the facts don't."""


def acted(payload: Any, schema: Schema, actions: Actions) -> Any:
    """``payload`` with every ``action`` of the list: one that isn't is the default, with its label, where the schema
    asks for an action, and otherwise left out."""
    return _acted(payload, schema, schema.root, actions)


def grounded(payload: Any, grounds: Grounds, check: Check, instead: Any, names: Collection[str]) -> Any:
    """``payload`` without the numbers that the facts don't hold. A list's item with one goes; any other value is
    taken from the payload ``instead``. ``names`` are keys that may stand whatever they hold."""
    return _Grounding(grounds, check, names).value(payload, instead, False)


def named(payload: Any) -> list[str]:
    """The actions that a payload names, the primary ones first, each once."""
    found = sorted(_actions(payload, False), key=lambda action: not action[0])
    return list(dict.fromkeys(name for _, name in found))


def words(payload: Any) -> str:
    """The texts of a payload, a line each, without those of actions."""
    lines: list[str] = []
    room = LONGEST_WORDS
    for line in _texts(payload):
        if len(line) >= room:
            lines.append(clipped(line, room) if room > 1 else "")
            break
        lines.append(line)
        room -= len(line) + 1
    return "\n".join(line for line in lines if line)


def shown(payload: Any, names: Collection[str]) -> Iterator[str]:
    """Every text of a payload in its order, keys that are none of ``names`` among them, and actions' names not."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, list):
        for inner in payload:
            yield from shown(inner, names)
    elif isinstance(payload, dict):
        for key, inner in payload.items():
            if key not in names:
                yield key
            if key != "action":
                yield from shown(inner, names)


class _Grounding:
    """Checks values against facts."""

    def __init__(self, grounds: Grounds, check: Check, names: Collection[str]) -> None:
        self._grounds, self._check, self._names = grounds, check, names

    def value(self, value: Any, instead: Any, item: bool) -> Any:
        """``value``, or what stands for it; MISSING where nothing does. Raises UngroundedItem within an ``item``."""
        if isinstance(value, dict):
            return self._object(value, instead, item)
        if isinstance(value, list):
            return list(self._items(value))
        said = self._said(value)
        if said is not None or value is None:
            return said
        if item:
            raise UngroundedItem
        return instead

    def _said(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._check(value)
        if isinstance(value, bool) or value is None:
            return value
        return self._grounds.value(value)

    def _object(self, value: Mapping[str, Any], instead: Any, item: bool) -> dict[str, Any]:
        others = instead if isinstance(instead, dict) else {}
        kept = {}
        for key, inner in value.items():
            if key in self._names or self._grounds.knows(key):
                kept[key] = self.value(inner, others.get(key, MISSING), item)
        return {key: inner for key, inner in kept.items() if inner is not MISSING}

    def _items(self, value: list[Any]) -> Iterator[Any]:
        for item in value:
            try:
                yield self.value(item, MISSING, True)
            except UngroundedItem:
                continue


def _acted(value: Any, schema: Schema, node: Mapping[str, Any], actions: Actions) -> Any:
    if isinstance(value, list):
        return [_acted(item, schema, schema.inner(node), actions) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _acted(inner, schema, schema.inner(node, key), actions) for key, inner in value.items()}
    if not isinstance(made.get("action"), str):
        return made
    name = actions.named(made["action"])
    if name is not None:
        return {**made, "action": name}
    if "action" not in node.get("required", ()):
        return {key: inner for key, inner in made.items() if key != "action"}
    offered = actions.offered([actions.default])[0]
    return {**made, **offered} if "label" in made else {**made, "action": actions.default}


def _actions(value: Any, primary: bool) -> Iterator[tuple[bool, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("action"), str):
            yield primary, value["action"]
        for key, inner in value.items():
            yield from _actions(inner, primary or key.startswith("primary"))
    elif isinstance(value, list):
        for inner in value:
            yield from _actions(inner, primary)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict) and "action" not in value:
        for inner in value.values():
            yield from _texts(inner)

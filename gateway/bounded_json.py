"""Reads JSON from outside: strictly, no deeper than can be written again, and not at any length.

orjson writes values of more than some 210 levels beyond its buffer (seen with 3.11.9, 3.12.0 and 3.13.0: the process
aborts), so that nothing deeper may get in, from callers or from providers.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

DEEPEST = 100
#: Reading 800,000 lists took 0.7 s of the event loop; this many take a tenth of that.
MOST_CONTAINERS = 100_000
STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


class TooNestedError(ValueError):
    """More lists and objects, in each other or in all, than are read; the message says so of "the body"."""


def loads(text: bytes) -> Any:
    """The value; raises orjson.JSONDecodeError, or TooNestedError."""
    containers = text.count(b"[") + text.count(b"{")
    if containers > MOST_CONTAINERS and _containers(STRING.sub(b"", text)) > MOST_CONTAINERS:
        raise TooNestedError(f"made of more than {MOST_CONTAINERS} lists and objects")
    value = orjson.loads(text)
    if containers > DEEPEST and _deeper(value):
        raise TooNestedError(f"nested more than {DEEPEST} levels deep")
    return value


def loads_all(texts: list[bytes]) -> list[Any]:
    """The objects of several small texts, as many at once as can't be nested too deeply whatever they hold; raises
    ValueError where each is to be read by itself."""
    values: list[Any] = []
    group: list[bytes] = []
    containers = 0
    for text in texts:
        containers += _containers(text)
        if containers > DEEPEST:
            values += _group(group)
            group, containers = [], _containers(text)
        if containers > DEEPEST or text[:1] != b"{" or text[-1:] != b"}":
            raise ValueError("not all of them are small objects")
        group.append(text)
    return values + _group(group)


def _group(texts: list[bytes]) -> list[Any]:
    # No string reaches over a line's end, and no text that is not an object's, so that none can borrow of the next.
    values: list[Any] = orjson.loads(b"[%s]" % b"\n,\n".join(texts))
    if len(values) != len(texts):
        raise ValueError("not each of them is a value")
    return values


def _containers(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def _deeper(value: Any) -> bool:
    """Level by level, without recursion."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True

"""Finds the differences between what two lanes came to, and knows those that have a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]
FOLDER = Path(__file__).parent
#: The pairs that are compared: left, right, and how they were asked.
PAIRS: dict[str, tuple[str, str, str]] = {
    "plain": ("whole", "litellm", "plain"),
    "stream": ("lean", "litellm", "stream"),
    "gathered": ("lean", "whole", "plain"),
    "recorded": ("whole", "recorded", "plain"),
}
ABSENT = "(absent)"
ANYTHING = "*"
MADE_ID = re.compile(r"^(chatcmpl-|call_)[0-9a-f-]{16,}(?=__thought__|$)")
NOW = 1_780_000_000  # the corpus was recorded before, and is played after

Kind = Literal["lean_bug", "litellm_bug", "intended", "harmless"]


@dataclass(frozen=True)
class Difference:
    """One place in one case. `at` is like `got.reply.choices.0.message.content`."""

    case: str
    pair: str
    at: str
    left: Any
    right: Any

    def __str__(self) -> str:
        left, right, _ = PAIRS[self.pair]
        return f"[{self.pair}] {self.at}\n    {left}: {self.left!r}\n    {right}: {self.right!r}"


class Known(BaseModel):
    """An entry of `differences.yaml`: every pattern of `cases` must occur in every one of `pairs`.

    `cases` match `id@model`, and `at` the place; `*` stands for anything. `empty` is that one side leaves out what
    the other has without anything in it (null, "", [], 0, or a mapping of such). `left` and `right` are the values,
    where they matter. `sometimes` need not occur: how the bytes of a stream arrive decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    cases: list[str]
    pairs: list[Literal["plain", "stream", "gathered", "recorded"]]
    at: list[str]
    kind: Kind
    reason: str
    empty: bool = False
    sometimes: bool = False
    left: Any = ANYTHING
    right: Any = ANYTHING

    def covers(self, difference: Difference, case: str, pair: str) -> bool:
        """Whether it is listed here, under this pattern and pair."""
        return (
            difference.pair == pair
            and fnmatchcase(difference.case, case)
            and any(fnmatchcase(difference.at, at) for at in self.at)
            and (not self.empty or (_empty(difference.left) and _empty(difference.right)))
            and self.left in (ANYTHING, difference.left)
            and self.right in (ANYTHING, difference.right)
        )

    def knows(self, difference: Difference) -> bool:
        """Whether it is listed here."""
        return any(self.covers(difference, case, pair) for case in self.cases for pair in self.pairs)

    def gone(self, differences: list[Difference]) -> Iterator[str]:
        """What is listed and does not occur."""
        if self.sometimes:
            return
        for case in self.cases:
            for pair in self.pairs:
                if not any(self.covers(one, case, pair) for one in differences):
                    yield f"{case} [{pair}] {', '.join(self.at)}: {self.reason}"


def _empty(value: Any) -> bool:
    return not value or value == ABSENT or (isinstance(value, dict) and all(map(_empty, value.values())))


def known() -> list[Known]:
    """The list."""
    return [Known(**entry) for entry in yaml.safe_load((FOLDER / "differences.yaml").read_text()) or ()]


def compare(case: str, played: dict[str, dict[tuple[str, str], Json]]) -> list[Difference]:
    """All differences of one case."""
    found = []
    for pair, (left, right, how) in PAIRS.items():
        ours, theirs = played[left].get((case, how)), played[right].get((case, how))
        if ours is not None and theirs is not None:
            places = [*_complaints(ours, theirs, left, right), *_walk("", _plain(ours), _plain(theirs))]
            found += [Difference(case, pair, at.removeprefix("."), one, other) for at, one, other in places]
    return found


def _complaints(ours: Json, theirs: Json, left: str, right: str) -> Iterator[tuple[str, Any, Any]]:
    """A reply that is not well formed is a difference from what it should be, whatever the other one is."""
    for name, one in ((left, ours), (right, theirs)):
        for complaint in one["complaints"]:
            yield f"complaints of {name}: {complaint}", *((complaint, "") if one is ours else ("", complaint))


def _plain(value: Any, key: str = "") -> Any:
    """The value with what is made anew for each reply named as such."""
    if isinstance(value, dict):
        return {name: _plain(one, name) for name, one in value.items() if name != "complaints"}
    if isinstance(value, list):
        return [_plain(one, key) for one in value]
    if key == "id" and isinstance(value, str):
        return MADE_ID.sub("(made)", value)
    if key == "created" and isinstance(value, int) and value > NOW:
        return "(now)"
    return value


def _walk(at: str, left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            yield from _walk(f"{at}.{key}", left.get(key, ABSENT), right.get(key, ABSENT))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _walk(f"{at}.{number}", one, other)
    elif left != right or type(left) is not type(right):
        yield at, left, right

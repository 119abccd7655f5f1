"""The configured list of actions, and how the words of people and models lead to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, max_length=100)]
NAMES = re.compile(r"[\W_]+")


class Action(BaseModel):
    """One thing that a caller's screen can do."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    label: Text
    words: list[Text] = Field(default_factory=list)
    spellings: list[Text] = Field(default_factory=list)


class ActionsFile(BaseModel):
    """``config/actions.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    default: str
    actions: Annotated[dict[str, Action], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_name_is_one_action_s(self) -> ActionsFile:
        if self.default not in self.actions:
            raise ValueError(f"'default' is {self.default!r}, which 'actions' does not list")
        owners: dict[str, str] = {_plain(name): name for name in self.actions}
        for name, action in self.actions.items():
            for spelling in action.spellings:
                owner = owners.setdefault(_plain(spelling), name)
                if owner != name:
                    raise ValueError(f"the spelling {spelling!r} stands for both {owner!r} and {name!r}")
        return self


class Actions:
    """Which actions there are; an offered one is ``{"label": str, "action": str}``, as in an envelope."""

    def __init__(self, file: ActionsFile) -> None:
        self._labels = {name: action.label for name, action in file.actions.items()}
        self._names = {_plain(name): name for name in file.actions}
        self.default = file.default
        for name, action in file.actions.items():
            self._names |= {_plain(spelling): name for spelling in (*action.spellings, action.label)}
        self._spoken = {name: _pattern(action.words) for name, action in file.actions.items() if action.words}

    def named(self, spelling: str) -> str | None:
        """The action that ``spelling`` stands for, whatever its capitals and separators; None where there is none."""
        return self._names.get(_plain(spelling))

    def spoken(self, text: str) -> set[str]:
        """The actions that a text speaks of."""
        return {name for name, words in self._spoken.items() if words.search(text)}

    def offered(self, names: Iterable[str]) -> list[dict[str, str]]:
        """The named actions with their labels, in the list's order; the default where there are none."""
        wanted = self._labels.keys() & set(names) or {self.default}
        return [{"label": label, "action": name} for name, label in self._labels.items() if name in wanted]


def _plain(name: str) -> str:
    return NAMES.sub("", name).casefold()


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of ``words``, whole, with the endings that English gives to verbs."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?:s|ing|ed)?(?!\w)", re.IGNORECASE)

"""The configured list of actions, and how the words of people and models lead to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, model_validator

from gateway.contract import Configured, MisplacedError

Text = Annotated[str, Field(min_length=1, max_length=100)]
NAMES = re.compile(r"[\W_]+")


class Action(Configured):
    """One thing that a caller's screen can do."""

    label: Text
    words: list[Text] = Field(default_factory=list)
    spellings: list[Text] = Field(default_factory=list)


class ActionsFile(Configured):
    """``config/actions.yaml``."""

    default: str
    actions: Annotated[dict[str, Action], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_name_is_one_action_s(self) -> ActionsFile:
        if self.default not in self.actions:
            message = f"'default' is {self.default!r}, which 'actions' does not list"
            raise MisplacedError(message, ("default",))
        owners: dict[str, str] = {_plain(name): name for name in self.actions}
        for name, action in self.actions.items():
            for spelling in (action.label, *action.spellings):
                owner = owners.setdefault(_plain(spelling), name)
                if owner != name:
                    message = (
                        f"{spelling!r} stands for both {owner!r} and {name!r}; labels and spellings are one action's"
                    )
                    raise MisplacedError(message, ("actions", name))
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

    def spoken(self, text: str) -> list[str]:
        """The actions that a text speaks of, in the list's order."""
        return [name for name, words in self._spoken.items() if words.search(text)]

    def offered(self, names: Iterable[str]) -> list[dict[str, str]]:
        """The named actions with their labels, in the order given, each once; the default where there are none."""
        wanted = [name for name in dict.fromkeys(names) if name in self._labels] or [self.default]
        return [{"label": self._labels[name], "action": name} for name in wanted]


def _plain(name: str) -> str:
    return NAMES.sub("", name).casefold()


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of ``words``, whole; ``schedule`` is also scheduled, scheduling and schedules, ``call`` also calls."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_forms, words))})(?!\w)", re.IGNORECASE)


def _forms(word: str) -> str:
    if word[-1] in "eE":
        return f"{re.escape(word[:-1])}(?:e|es|ed|ing)"
    return f"{re.escape(word)}(?:s|ed|ing)?"

"""YAML with a memory of where each value stood, and problems that name file and line."""

from __future__ import annotations

import difflib
import types
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
#: YAML's words for what pydantic names in Python's.
SHAPES: Mapping[str, str] = {
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "too_short": "at least one item",
}
SECTIONS = ("a mapping", "a list")
#: What stands under such a name, or within it, is not printed.
SECRET_NAMES = ("key", "token", "secret", "password", "credential")
LONGEST_SHOWN = 40
#: From how much likeness on (of 1) an unknown word is taken for a mistyped one.
NEAR_MISS = 0.8


#: libyaml's parser, where PyYAML was built with it: an eighth of the time.
FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file (``line`` counts from 1) or, with no line, in the environment."""

    where: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line else self.where
        return f"{place}: {self.message}"


class ConfigError(ValueError):
    """The configuration can't be used; ``problems`` says all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Document:
    """A parsed YAML file: ``data`` is its plain value, ``line`` tells where a part of it stands."""

    def __init__(self, path: Path, text: str) -> None:
        self.name = str(path)
        self._lines: dict[Location, int] = {}
        self._doubled: list[Problem] = []
        try:
            root, loader = _composed(text)
            if root is not None:
                self._walk(root, ())
            self.data: Any = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = f"not valid YAML: {error.problem}"
            raise ConfigError([Problem(self.name, problem, mark.line + 1 if mark else None)]) from None
        except yaml.YAMLError as error:  # characters YAML does not allow
            raise ConfigError([Problem(self.name, f"not valid YAML: {error}".splitlines()[0])]) from None
        except ValueError as error:  # what looks like a date and is none
            raise ConfigError([Problem(self.name, f"not valid YAML: {error}")]) from None
        except RecursionError:
            raise ConfigError([Problem(self.name, "a value holds itself, or is nested too deeply")]) from None
        if self._doubled:
            raise ConfigError(self._doubled)

    @classmethod
    def read(cls, path: Path) -> Document:
        """Parse the file at ``path``; raises ConfigError where it is missing or not YAML."""
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except OSError as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise ConfigError([Problem(str(path), f"can't be read: {reason}")]) from None
        except UnicodeDecodeError:
            raise ConfigError([Problem(str(path), "can't be read: it is not UTF-8")]) from None

    def line(self, location: Location) -> int | None:
        """The line of the value at ``location`` or, if it has none, of what it would stand in."""
        while location and location not in self._lines:
            location = location[:-1]
        return self._lines.get(location)

    def problem(self, location: Location, message: str) -> Problem:
        """A problem with the value at ``location``."""
        return Problem(self.name, message, self.line(location))

    def _walk(self, node: yaml.Node, location: Location) -> None:
        self._lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, (*location, index))
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*location, str(key.value))
                if inner in self._lines and key.value != "<<":
                    first = self._lines[inner]
                    message = f"the key {key.value!r} stands here a second time (first in line {first})"
                    self._doubled.append(Problem(self.name, message, key.start_mark.line + 1))
                self._lines[inner] = key.start_mark.line + 1
                self._walk(value, inner)


def _composed(text: str) -> tuple[yaml.Node | None, Any]:
    """The tree of nodes, and the loader that made it."""
    try:
        return yaml.compose(text, Loader=FAST), FAST
    except yaml.YAMLError:  # the other takes a little more, and says more clearly what is wrong
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.SafeLoader


def nearest(name: str, valid: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where something valid is near, else the valid names."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; valid here: {', '.join(names)}" if names else ""


def near_miss(name: str, valid: Iterable[str]) -> str:
    """``; did you mean 'x'?`` where ``name`` is all but a valid one, else nothing."""
    close = difflib.get_close_matches(name, sorted(valid), n=1, cutoff=NEAR_MISS)
    return f"; did you mean {close[0]!r}?" if close else ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in from environment variables: where (``sourced``), and the names that are ``unset``."""

    sourced: Container[Location] = ()
    unset: Mapping[Location, str] = field(default_factory=dict)

    def missing(self, location: Location) -> str | None:
        """That the variable behind the value at ``location``, or behind a part of it, is not set; else None."""
        for place, variable in self.unset.items():
            if place[: len(location)] == location:
                return f"environment variable {variable} is not set"
        return None


def validate(
    document: Document, model: type[Model], *, at: Location = (), data: Any = None, filled: Filled | None = None
) -> Model:
    """``document`` (or ``data``, which stands in it at ``at``) as a ``model``; raises ConfigError."""
    value = document.data if data is None else data
    filled = filled or Filled()
    try:
        return model.model_validate({} if value is None else value)
    except ValidationError as error:
        problems = [_problem(document, model, at, details, filled) for details in error.errors(include_url=False)]
        raise ConfigError(problems) from None


def _problem(
    document: Document, model: type[BaseModel], at: Location, details: ErrorDetails, filled: Filled
) -> Problem:
    inner = getattr(details.get("ctx", {}).get("error"), "at", ())  # of a validator of the whole
    location = (*at, *details["loc"], *inner)
    named = ".".join(str(part) for part in location) or "the file"
    if details["type"] == "extra_forbidden":
        message = f"unknown key {named!r}" + nearest(str(location[-1]), _fields(model, details["loc"][:-1]))
    elif details["type"] == "missing":
        message = f"{named!r} is missing"
    else:
        unset = filled.missing(location) if details["input"] is None else None
        message = f"{named!r}: {unset or _complaint(details, location, filled)}"
    return document.problem(location, message)


def _complaint(details: ErrorDetails, location: Location, filled: Filled) -> str:
    told = details["msg"].removeprefix("Value error, ")
    expected = SHAPES.get(details["type"], told.removeprefix("Input should be "))
    if expected == told:
        return told
    secret = expected in SECTIONS or location in filled.sourced or _secret(location)
    # A number can be a password where a text belongs; elsewhere it is a setting.
    hidden = secret and (isinstance(details["input"], str) or expected == "text")
    return f"expected {expected}, got {_shown(details['input'], hidden=hidden)}"


def _secret(location: Location) -> bool:
    return any(word in str(part).lower() for part in location for word in SECRET_NAMES)


def _shown(value: Any, *, hidden: bool) -> str:
    """The value, short; of one that may be a secret or is a section only its kind."""
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", type(None): "nothing"}
    for kind, name in kinds.items():
        if isinstance(value, kind):
            return name
    if hidden:
        return "a text" if isinstance(value, str) else "a value"
    text = f"{value!r}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _fields(model: Any, location: Location) -> Iterable[str]:
    """The names that are valid in the model at ``location`` of ``model``."""
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = _bare(field.annotation) if field else None
        else:
            inner = [arg for arg in get_args(model) if arg is not Ellipsis]
            model = _bare(inner[-1]) if inner else None
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _bare(annotation: Any) -> Any:
    """``annotation`` without ``| None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next((arg for arg in get_args(annotation) if arg is not type(None)), None)
    return annotation

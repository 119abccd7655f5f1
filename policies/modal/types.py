"""The configured modal types, and a payload built from the context alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from gateway.contract import Configured, Files
from policies.common.actions import Actions, ActionsFile
from policies.common.excerpt import excerpt
from policies.common.grounds import Grounds
from policies.common.plain import clipped
from policies.common.recital import recites
from policies.common.schema import Schema
from policies.common.wording import Tree
from policies.modal.payload import acted, grounded, named, shown, words

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, Field(min_length=1)]
#: What callers' contexts hold, in all shapes.
SAMPLES: tuple[Any, ...] = (
    *("a", "word " * 500, "x" * 5000, "7" * 5000, "{brace}", "low", 7, 82.5, -1, True, [], {}, [[]]),
    *([f"word {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"], ["a", "a", 7, None], ["long " * 200] * 30),
    *([{"title": "a", "description": "long " * 200}, {"name": 7}], {"a": {"b": {"c": ["d"]}}}),
)


@with_config(ConfigDict(extra="forbid", strict=True))
class ModalKind(TypedDict):
    """One type: its schema's file, what it is for in words for the model, and its payload as templates."""

    schema: Text  # no field of a pydantic model can have this name
    instruction: Text
    from_context: dict[str, Any]


class ModalsFile(Configured):
    """``config/modals.yaml``. ``seconds`` is the models' share; after it the payload is built from the context."""

    seconds: Annotated[float, Field(gt=0, le=60)] = 6
    max_tokens: Annotated[int, Field(ge=50, le=16_000)] = 700
    prompt: Text
    types: Annotated[dict[Name, ModalKind], Field(min_length=1)]


class ModalType:
    """A type, checked: whatever the context holds, its payload fits its schema and has no number of its own."""

    def __init__(self, name: str, kind: ModalKind, actions: ActionsFile, files: Files) -> None:
        self.name = name
        self.instruction = kind["instruction"].strip()
        self._actions = Actions(actions)
        try:
            self.schema = Schema(_json(files.text(kind["schema"])))
        except ValueError as error:
            raise ValueError(f"the modal type {name!r}: {kind['schema']}: {error}") from None
        told, strict = self.schema.for_model(list(actions.actions))
        #: OpenAI's parameter of that name, for the payload.
        self.response_format: Mapping[str, Any] = {
            "type": "json_schema",
            "json_schema": {"name": name, "schema": told, "strict": strict},
        }
        try:
            self._tree = Tree(kind["from_context"])
            self._refuse_own_numbers(kind["from_context"])
            self._refuse_unknown_actions(kind["from_context"])
            self._plain = self._made({})
            self._check()
        except ValueError as error:
            raise ValueError(f"the modal type {name!r}: 'from_context': {error}") from None

    def from_context(self, context: Mapping[str, Any], grounds: Grounds) -> dict[str, Any]:
        """A payload of what the context says; where that can't be made to fit, of nothing but the type's own words."""
        made: dict[str, Any] = self.grounded(self._made(context), grounds, self._plain, rewrite=False)
        return copy.deepcopy(self._plain) if self.schema.problem(made) else made

    def grounded(self, payload: Any, grounds: Grounds, instead: Any, *, rewrite: bool = True) -> Any:
        """``payload`` with the facts' numbers only; ``rewrite`` for one whose texts are not the facts' own."""
        check = grounds.text if rewrite else (lambda text: text if grounds.knows(text) else None)
        return grounded(payload, grounds, check, instead, self.schema.names)

    def recites(self, payload: Any, messages: Iterable[str]) -> bool:
        """Whether the texts of ``payload`` recite one of these system messages."""
        return recites(shown(payload, self.schema.names), messages)

    def acted(self, payload: Any) -> Any:
        """``payload`` with configured actions only."""
        return acted(payload, self.schema, self._actions)

    def _made(self, context: Mapping[str, Any]) -> Any:
        return self.acted(self.schema.fitted(self._tree.fill(excerpt(context, self._tree.paths))))

    def _refuse_own_numbers(self, raw: Mapping[str, Any]) -> None:
        nothing = Grounds()
        texts = [text for template in self._tree.templates for text in template.literals]
        for text in (*texts, *map(str, _numbers(raw))):
            if nothing.text(text) is None:
                raise ValueError(f"{text!r} holds a number of its own, which no context would hold")

    def _refuse_unknown_actions(self, raw: Mapping[str, Any]) -> None:
        for name in named(raw):
            if self._actions.named(name) is None:
                raise ValueError(f"the action {name!r} is not in the list of actions")

    def _check(self) -> None:
        """Raises ValueError where the payload of some context would not fit."""
        problem = self.schema.problem(self._plain)
        if problem:
            raise ValueError(f"where the context says nothing, the payload does not fit its schema: {problem}")
        if not words(self._plain):
            raise ValueError("where the context says nothing, the payload holds no text either")
        for sample in SAMPLES:
            problem = self.schema.problem(self._made(_context(self._tree.paths, sample)))
            if problem:
                shown = clipped(repr(sample), 60)
                raise ValueError(f"where the context holds {shown}, the payload does not fit its schema: {problem}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"not valid JSON: {error}") from None


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _context(paths: Iterable[str], value: Any) -> dict[str, Any]:
    """A context that holds ``value`` at every path; of two that stand in each other, at the shorter."""
    context: dict[str, Any] = {}
    for path in sorted(paths):
        *above, last = path.split(".")
        place: Any = context
        for key in above:
            place = place.setdefault(key, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[last] = value
    return context

"""Turns a question to the assistant into messages: the system prompt, then the question with the context as data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from gateway.contract import Call, Configured, Files, Policy, Services
from policies.common.data import block, facts, pruned, unmarked
from policies.common.excerpt import excerpt
from policies.common.wording import Template

Line = Annotated[str, Field(min_length=1, max_length=500)]


class ContextFile(Configured):
    """``config/context.yaml``: how the context is put into words, one template a line (policies/common/wording.py)."""

    lines: list[Line]


class PromptOptions(Configured):
    """``system`` are files of the configuration folder, put together; ``context`` is one."""

    system: Annotated[list[str], Field(min_length=1)]
    context: str = "context.yaml"
    max_context_characters: Annotated[int, Field(ge=0, le=1_000_000)] = 8000


class Prompt(Policy):
    """Request: writes the messages. What the caller sent stands in the user's message, its context between markers
    that it can't write itself, so that nothing in it takes the place of the prompt."""

    Options: ClassVar[type[BaseModel]] = PromptOptions

    def __init__(self, options: PromptOptions, services: Services) -> None:
        self._system = "\n\n".join(services.files.text(name).strip() for name in options.system)
        self._longest = options.max_context_characters
        self._lines = _templates(services.files, options.context)
        self._paths = frozenset(path for template in self._lines for path in template.paths)

    async def request(self, call: Call) -> Call:
        """Only questions are shaped; a caller's own messages pass untouched."""
        if call.question is None:
            return call
        query = unmarked(call.question.query)
        messages = [
            {"role": "system", "content": self._system},
            {"role": "user", "content": query + self._data(call.question.context)},
        ]
        return replace(call, params={**call.params, "messages": messages})

    def _data(self, context: Mapping[str, Any]) -> str:
        """The context between the markers: in words as far as there are any for it, and the rest as JSON."""
        left = facts(context)
        brief = excerpt(left, self._paths)
        said = []
        for template in self._lines:
            lines = template.lines(brief)
            said += lines
            if lines:
                left = _without(left, template.paths)
        if left:
            said.append(json.dumps(pruned(left, self._longest), ensure_ascii=False, indent=1))
        return "\n\n" + block("\n".join(said)[: self._longest]) if said else ""


def _templates(files: Files, name: str) -> list[Template]:
    made = []
    for index, line in enumerate(files.yaml(name, ContextFile).lines):
        try:
            made.append(Template(line))
        except ValueError as error:
            raise files.wrong(name, ("lines", index), str(error)) from None
    return made


def _without(facts: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """``facts`` without the values at the dotted ``paths``, and without objects that are empty then."""
    for path in paths:
        facts = _pruned(facts, path.split("."))
    return facts


def _pruned(facts: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    key, *deeper = keys
    if key not in facts:
        return facts
    kept = dict(facts)
    inner = kept.pop(key)
    if deeper and isinstance(inner, dict):
        left = _pruned(inner, deeper)
        if left:
            kept[key] = left
    return kept

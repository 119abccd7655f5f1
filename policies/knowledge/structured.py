"""The answer as an object, for callers that ask for one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from policies.common.json_answer import parsed
from policies.common.schema import Schema
from policies.knowledge.citations import Citations
from policies.knowledge.gap import as_gap, is_gap

Json = dict[str, Any]


class Structured:
    """The configured JSON Schema, which must take what is made here: ``answer``, ``key_points``, ``citations``,
    ``found``. Raises ValueError."""

    def __init__(self, text: str) -> None:
        try:
            self._schema = Schema(json.loads(text))
        except json.JSONDecodeError as error:
            raise ValueError(f"not valid JSON: {error}") from None
        for made in (made_of("a", ["b"], 1), gap("a")):
            problem = self._schema.problem(made)
            if problem:
                raise ValueError(f"it does not take {json.dumps(made)}: {problem}")
        told, strict = self._schema.for_model(())
        #: OpenAI's parameter of that name.
        self.response_format: Mapping[str, Any] = {
            "type": "json_schema",
            "json_schema": {"name": "knowledge_answer", "schema": told, "strict": strict},
        }

    def read(self, answer: str) -> tuple[Json, None] | tuple[None, str]:
        """The object of a model's answer, or what is wrong with it."""
        try:
            made = parsed(answer)
        except ValueError as error:
            return None, str(error)
        problem = self._schema.problem(made)
        return (made, None) if problem is None else (None, problem)

    def cited(self, made: Json, citations: Citations) -> Json:
        """``made`` with citations of passages only, numbered anew; a gap cites nothing."""
        if not made["found"] or is_gap(made["answer"]):
            return gap(as_gap(Citations(0).hear(made["answer"], last=True)))
        said = {**made, "answer": citations.hear(made["answer"], last=True)}
        said["key_points"] = [citations.hear(point, last=True) for point in made["key_points"]]
        numbers = (citations.number(number) for number in made["citations"])
        listed = {number for number in numbers if number is not None}
        return {**said, "citations": sorted(listed | set(range(1, len(citations.cited) + 1)))}


def made_of(answer: str, points: Sequence[str], cited: int) -> Json:
    """An object of what was quoted of the first ``cited`` passages."""
    return {
        "answer": answer,
        "key_points": [" ".join(point.split()) for point in points],
        "citations": list(range(1, cited + 1)),
        "found": True,
    }


def gap(answer: str) -> Json:
    """The object of an answer that is a gap."""
    return {"answer": answer, "key_points": [], "citations": [], "found": False}

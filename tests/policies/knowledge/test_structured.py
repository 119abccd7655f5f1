from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from gateway.settings.load import PROJECT
from policies.knowledge.citations import Citations
from policies.knowledge.structured import Structured, gap, made_of

TEXT = (PROJECT / "config" / "schemas" / "knowledge_answer.json").read_text()
STRUCTURED = Structured(TEXT)
GOOD: dict[str, Any] = {
    "answer": "A manager [2], within 5 days [1].",
    "key_points": ["Over 15% a manager [2]", "No such passage [7]"],
    "citations": [1, 2, 7],
    "found": True,
}


def test_an_answer_that_fits_is_read() -> None:
    assert STRUCTURED.read(f"```json\n{json.dumps(GOOD)}\n```") == (GOOD, None)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("I can't", "no JSON object"),
        ("{", "not valid JSON"),
        (json.dumps({**GOOD, "found": "yes"}), "found"),
        (json.dumps({**GOOD, "more": 1}), "more"),
        (json.dumps({key: GOOD[key] for key in ("answer", "found")}), "required"),
    ],
)
def test_what_does_not_fit_is_worded_for_the_model(answer: str, words: str) -> None:
    made, problem = STRUCTURED.read(answer)
    assert made is None
    assert problem is not None and words in problem


def test_citations_are_numbered_anew_through_the_whole_object() -> None:
    citations = Citations(2)
    made = STRUCTURED.cited(GOOD, citations)
    assert made == {
        "answer": "A manager [1], within 5 days [2].",
        "key_points": ["Over 15% a manager [1]", "No such passage"],
        "citations": [1, 2],
        "found": True,
    }
    assert citations.cited == [2, 1]
    jsonschema.validate(made, json.loads(TEXT))


@pytest.mark.parametrize("said", [{**GOOD, "found": False}, {**GOOD, "answer": "**Gap:** A manager [2]."}])
def test_a_gap_cites_nothing_and_begins_as_one(said: dict[str, Any]) -> None:
    citations = Citations(2)
    made = STRUCTURED.cited(said, citations)
    assert made["answer"].startswith("Gap: A manager") and "[" not in made["answer"]
    assert (made["key_points"], made["citations"], made["found"], citations.cited) == ([], [], False, [])


def test_what_is_made_here_fits() -> None:
    for made in (made_of("Quoted [1]", ["Quoted"], 1), gap("Gap: no")):
        jsonschema.validate(made, json.loads(TEXT))


def test_the_model_is_told_the_schema() -> None:
    told = STRUCTURED.response_format["json_schema"]
    assert told["strict"] is True
    assert set(told["schema"]["properties"]) == {"answer", "key_points", "citations", "found"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ('{"type": "array"}', "'type' must be 'object'"),
        ('{"type": "object", "required": ["title"]}', "does not take"),
        ('{"type": "object", "properties": {"answer": {"type": "integer"}}}', "does not take"),
    ],
)
def test_a_schema_that_takes_no_answer_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Structured(text)

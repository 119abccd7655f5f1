from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policies.common.actions import ActionsFile
from policies.common.grounds import Grounds
from policies.modal.types import ModalKind, ModalsFile, ModalType
from tests.support.fakes import PROPERTY
from tests.support.policies import Overlay

NAIVE = re.compile(r"\d+(?:[.,]\d+)*")
NOTE: dict[str, Any] = {
    "type": "object",
    "required": ["title", "lines"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 40},
        "level": {"type": "string", "enum": ["low", "high"]},
        "lines": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "minLength": 1}},
        "cta": {"type": "object", "required": ["label", "action"], "properties": {"action": {"type": "string"}}},
    },
}
TREE: dict[str, Any] = {"title": "About {lead.name|this lead}", "lines": ["{lead.notes*}", "Have a look."]}


def made(tree: Mapping[str, Any] = TREE, schema: Any = NOTE) -> ModalType:
    files = Overlay({"schemas/note.json": schema if isinstance(schema, str) else json.dumps(schema)})
    kind = ModalKind(schema="schemas/note.json", instruction=" What it is for. ", from_context=dict(tree))
    return ModalType("note", kind, files.yaml("actions.yaml", ActionsFile), files)


def build(kind: ModalType, context: dict[str, Any]) -> Any:
    return kind.from_context(context, Grounds(context))


def test_a_type_works_from_its_configuration_alone() -> None:
    kind = made()
    assert kind.instruction == "What it is for."
    told = kind.response_format["json_schema"]
    assert kind.response_format["type"] == "json_schema" and told["name"] == "note" and told["strict"] is False
    assert "open_call_console" in told["schema"]["properties"]["cta"]["properties"]["action"]["enum"]


@pytest.mark.parametrize(
    ("context", "payload"),
    [
        ({}, {"title": "About this lead", "lines": ["Have a look."]}),
        (
            {"lead": {"name": "Maya", "notes": ["7 calls"]}},
            {"title": "About Maya", "lines": ["7 calls", "Have a look."]},
        ),
        ({"lead": {"notes": ["a", "a", "b", "c", "d"]}}, {"title": "About this lead", "lines": ["a", "b", "c"]}),
        ({"lead": "Maya"}, {"title": "About this lead", "lines": ["Have a look."]}),
    ],
)
def test_a_payload_from_the_context(context: dict[str, Any], payload: Any) -> None:
    assert build(made(), context) == payload


def test_a_payload_is_the_caller_s_to_change() -> None:
    kind = made()
    build(kind, {})["lines"].clear()
    assert build(kind, {})["lines"] == ["Have a look."]


def test_where_a_context_s_payload_does_not_fit_it_is_the_type_s_own_words() -> None:
    title = {"type": "string", "pattern": "^[^!]*$"}
    kind = made(schema={**NOTE, "properties": {**NOTE["properties"], "title": title}})
    for _ in range(2):
        payload = build(kind, {"lead": {"name": "Maya!", "notes": "x"}})
        assert payload == {"title": "About this lead", "lines": ["Have a look."]}
        payload.clear()


def test_a_context_s_own_words_stay_where_clipping_took_the_rest_of_a_number_s() -> None:
    note = "x" * 290 + " twenty five six seven"
    assert build(made(), {"lead": {"notes": note}})["lines"][0].endswith("x twenty…")


def test_a_number_that_the_facts_json_does_not_write_so_is_left_out() -> None:
    assert build(made(), {"lead": {"notes": ["a\x007", "8"]}})["lines"] == ["8", "Have a look."]


@pytest.mark.parametrize(
    ("tree", "schema", "words"),
    [
        (TREE, "{", r"schemas/note.json: not valid JSON"),
        (TREE, {"type": "list"}, r"schemas/note.json: the schema's 'type'"),
        ({}, NOTE, "where the context says nothing, .* 'title' is a required property"),
        ({**TREE, "titel": "x"}, NOTE, "'titel' was unexpected"),
        ({**TREE, "title": "{lead.name}"}, NOTE, "where the context says nothing, .* required property"),
        ({**TREE, "lines": ["{lead.notes*}"]}, NOTE, r"where the context says nothing, .*\$.lines: \[\] "),
        ({**TREE, "title": "{lead.name"}, NOTE, "title: .* is no placeholder"),
        ({**TREE, "level": "medium"}, NOTE, r"\$.level: 'medium' is not one of"),
        ({**TREE, "level": "{lead.level|low}"}, NOTE, r"where the context holds 'a', .*\$.level"),
        ({**TREE, "title": "The 3 best"}, NOTE, "'The 3 best' holds a number of its own"),
        ({**TREE, "title": "{lead.name|Two leads}"}, NOTE, "'Two leads' holds a number of its own"),
        ({**TREE, "lines": ["{lead.notes|½}", "x"]}, NOTE, "'½' holds a number of its own"),
        ({**TREE, "lines": [{"n": 7}]}, NOTE, "'7' holds a number of its own"),
        ({**TREE, "cta": {"label": "Fly", "action": "fly"}}, NOTE, "the action 'fly' is not in the list"),
        ({**TREE, "cta": {"label": "Fly", "action": "{lead.name|mail}"}}, NOTE, "is not in the list"),
        ({"x": True}, {"type": "object"}, "holds no text"),
    ],
)
def test_a_type_that_could_fail_a_caller_is_refused_by_name(tree: Any, schema: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"the modal type 'note': .*{words}"):
        made(tree, schema)


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": 0},
        {"seconds": "6"},
        {"max_tokens": 1},
        {"types": {}},
        {"types": {"Bad Name": {"schema": "a", "instruction": "b", "from_context": {}}}},
        {"types": {"a": {"schema": "a", "instruction": "b", "from_context": {}, "x": 1}}},
        {"types": {"a": {"schema": "a", "instruction": "", "from_context": {}}}},
        {"colour": "red"},
    ],
)
def test_a_file_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    types = {"a": {"schema": "a", "instruction": "b", "from_context": {}}}
    assert ModalsFile.model_validate({"prompt": "p.md", "types": types})
    with pytest.raises(ValidationError):
        ModalsFile.model_validate({"prompt": "p.md", "types": types, **changes})


SHIPPED = Overlay({})
MODALS = SHIPPED.yaml("modals.yaml", ModalsFile)
ACTIONS = SHIPPED.yaml("actions.yaml", ActionsFile)
TYPES = {name: ModalType(name, kind, ACTIONS, SHIPPED) for name, kind in MODALS.types.items()}
KEYS = st.sampled_from(["name", "status", "leadScore", "aiInsights", "title", "description", "company"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.text(alphabet="0123456789.,% kx{}\n\x00½", max_size=400),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS | st.text(max_size=8), inner, max_size=6),
    max_leaves=40,
)
CONTEXTS = st.fixed_dictionaries(
    {}, optional={"lead": st.dictionaries(KEYS, VALUES, max_size=7) | VALUES, "triage": VALUES, "forecast": VALUES}
)


def test_the_shipped_types_can_be_told_strictly() -> None:
    assert {name for name, kind in TYPES.items() if kind.response_format["json_schema"]["strict"]} == set(TYPES)
    assert {"suggestions", "lead_profile", "risks"} <= set(TYPES)


@PROPERTY
@given(CONTEXTS, st.sampled_from(sorted(TYPES)))
def test_from_any_context_a_payload_that_fits_with_its_numbers_only(context: dict[str, Any], name: str) -> None:
    kind = TYPES[name]
    payload = build(kind, context)
    assert kind.schema.problem(payload) is None
    known = set(NAIVE.findall(json.dumps(context, ensure_ascii=False)))
    assert set(NAIVE.findall(json.dumps(payload, ensure_ascii=False))) <= known

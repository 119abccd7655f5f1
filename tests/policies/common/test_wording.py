from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.plain import LONGEST, MOST
from policies.common.wording import Template, Tree
from tests.support.fakes import PROPERTY

TOKEN = re.compile(r"\d+(?:[.,]\d+)*")
CONTEXT: dict[str, Any] = {
    "lead": {
        "name": "Maya\nLin",
        "leadScore": 82.0,
        "hot": True,
        "blank": " \n ",
        "aiInsights": ["Opened three mails", {"title": "Budget", "description": "approved"}, None, "", 7],
        "team": {"size": 4, "head": {"name": "Zoë"}},
        "tags": ["a", "b"],
    },
    "forecast": {"title": "Likely to close"},
    "page-id": "x",
    "count": 5,
}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Plain words", ["Plain words"]),
        ("", []),
        ("   ", []),
        ("For {lead.name}.", ["For Maya Lin."]),
        ("{ lead.name }", ["Maya Lin"]),
        ("{lead.leadScore}%", ["82.0%"]),
        ("{lead.hot}", ["yes"]),
        ("{lead.tags}", ["a, b"]),
        ("{lead.team}", ["size: 4; head: (name: Zoë)"]),
        ("{page-id}", ["x"]),
        ("{{literal}} {lead.name}", ["{literal} Maya Lin"]),
        ("Status: {lead.status}", []),
        ("{lead.name} {lead.blank}", []),
        ("{lead.name.first}", []),
        ("{lead.tags.0}", []),
        ("{lead.status|unknown}", ["unknown"]),
        ("{lead.name|this lead}", ["Maya Lin"]),
        ("a{nothing|}b", ["ab"]),
        ("{nothing|}", []),
        ("- {lead.aiInsights*}", ["- Opened three mails", "- Budget: approved", "- 7"]),
        ("{lead.name}: {lead.tags*}", ["Maya Lin: a", "Maya Lin: b"]),
        ("{lead.tags*} {lead.tags*}", ["a a", "b b"]),
        ("{lead.status} {lead.tags*}", []),
        ("{lead.name*}", ["Maya Lin"]),
        ("{count*}", ["5"]),
        ("{forecast*}", ["Likely to close"]),
        ("{lead.team*}", ["size: 4", "head: (name: Zoë)"]),
        ("{lead.blank*}", []),
        ("{nothing*}", []),
    ],
)
def test_what_a_template_says(text: str, lines: list[str]) -> None:
    assert Template(text).lines(CONTEXT) == lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{count}{count}", "5 5"),
        ("{count}.{count}", "5. 5"),
        ("{count},{count}", "5, 5"),
        ("{count}{dotted}", "5 .5"),
        ("{count}:{count}", "5:5"),
        ("{count}k", "5k"),
    ],
)
def test_two_numbers_never_become_one(text: str, said: str) -> None:
    assert Template(text).lines({"count": 5, "dotted": ".5"}) == [said]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ab {lead.name", "character 4 of"),
        ("ab } c", "character 4 of"),
        ("a {} b", "character 3 of"),
        ("a {lead name}", "character 3 of"),
        ("{lead..name}", "no placeholder"),
        ("{.name}", "no placeholder"),
        ("{a|b{c}}", "no placeholder"),
        ("{a*} and {b*}", "repeats for a and for b"),
        ("{a*|none}", "has no default"),
    ],
)
def test_a_malformed_template_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=place) as caught:
        Template(text)
    assert repr(text) in str(caught.value)


def test_a_template_tells_its_paths_and_its_own_words() -> None:
    template = Template("For {lead.name|this lead}: {lead.tags*} {{x}}")
    assert template.paths == {"lead.name", "lead.tags"}
    assert " ".join(template.literals).split() == ["For", "this", "lead", ":", "{", "x", "}"]


def test_values_are_bounded_and_so_is_their_number() -> None:
    lines = Template("{a*}").lines({"a": ["word " * 10**5] * 10**5})
    assert len(lines) == MOST
    assert all(len(line) <= LONGEST for line in lines)


TREE = {
    "title": "About {lead.name|this lead}",
    "status": "{lead.status}",
    "bullets": ["first", "{lead.aiInsights*}", "{lead.status}", "Score {lead.leadScore}"],
    "cards": [{"kind": "tag", "text": "{lead.tags*}", "of": "{lead.name}"}, {"only": "{nothing}"}],
    "inner": {"gone": "{nothing}"},
    "nested": [["{lead.tags*}"]],
    "empty": {},
    "flag": True,
    "none": None,
}


def test_a_tree_is_filled_in_place() -> None:
    assert Tree(TREE).fill(CONTEXT) == {
        "title": "About Maya Lin",
        "bullets": ["first", "Opened three mails", "Budget: approved", "7", "Score 82.0"],
        "cards": [{"kind": "tag", "text": "a", "of": "Maya Lin"}, {"kind": "tag", "text": "b", "of": "Maya Lin"}],
        "nested": [["a", "b"]],
        "empty": {},
        "flag": True,
        "none": None,
    }


def test_a_tree_s_empty_filling() -> None:
    made = Tree(TREE).fill({})
    assert made["title"] == "About this lead" and made["bullets"] == ["first"] and made["cards"] == []
    assert Tree({"a": "{b}"}).fill({}) == {}


def test_a_tree_is_not_shared_between_fillings() -> None:
    tree = Tree(TREE)
    first = tree.fill(CONTEXT)
    kept = copy.deepcopy(first)
    tree.fill({})["bullets"].append("x")
    assert first == kept and tree.fill(CONTEXT) == kept


def test_a_tree_tells_its_paths() -> None:
    tree = Tree(TREE)
    assert tree.paths == {"lead.name", "lead.status", "lead.aiInsights", "lead.leadScore", "lead.tags", "nothing"}
    assert {path for template in tree.templates for path in template.paths} == tree.paths


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"a": {"b": ["x", "{"]}}, r"a.b\[1\]: "),
        ("{", "the text: "),
        ({"a": "{b*}"}, r"\{b\*\} repeats, and stands in no list"),
        ({"a": [{"b": "{c*}", "d": {"e": "{f*}"}}]}, r"a\[0\] repeats for c and for f"),
    ],
)
def test_a_malformed_tree_is_refused_with_its_place(tree: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Tree(tree)


KEYS = st.sampled_from(["a", "b", "lead", "title", "text"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(alphabet="0123456789.,{}*| "),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=40,
)
TEMPLATES = ["{a}", "{a}{b}", "{a}.{b}", "{a*},{b}", "{lead.a|x}{lead.b*}", "{lead*}{a}", "x {lead.title.text} y"]


@PROPERTY
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from(TEMPLATES))
def test_no_context_raises_or_brings_a_number_that_it_does_not_hold(context: dict[str, Any], text: str) -> None:
    lines = Template(text).lines(context)
    known = set(TOKEN.findall(re.sub(r"[\x00-\x1f]", " ", "\n".join(_leaves(context)))))
    for line in lines:
        assert line.strip() and "\n" not in line
        assert set(TOKEN.findall(line)) <= known


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for pair in value.items() for part in pair for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value if isinstance(value, str) else json.dumps(value)]

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.excerpt import MOST, excerpt
from policies.common.wording import Tree
from tests.support.fakes import PROPERTY

PATHS = ["lead.name", "lead.insights", "triage", "triage.level"]


@pytest.mark.parametrize(
    ("context", "made"),
    [
        ({}, {}),
        ({"lead": {"name": "Maya", "age": 7}, "other": [1]}, {"lead": {"name": "Maya"}}),
        ({"lead": "Maya", "triage": ["a", {"b": None}]}, {"triage": ["a", {"b": None}]}),
        ({"triage": {"level": "low", "more": 1}}, {"triage": {"level": "low", "more": 1}}),
    ],
)
def test_what_the_paths_lead_to_is_kept(context: dict[str, Any], made: dict[str, Any]) -> None:
    taken = excerpt(context, PATHS)
    assert {key: value for key, value in taken.items() if value != {}} == made


def size(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(size, inner))


def nested(width: int, depth: int) -> Any:
    return [nested(width, depth - 1) for _ in range(width)] if depth else []


@pytest.mark.parametrize("value", [[[]] * 1_000_000, nested(33, 3), {str(number): number for number in range(300_000)}])
def test_a_vast_value_is_cut(value: Any) -> None:
    assert size(excerpt({"triage": value}, PATHS)) <= MOST + 2


def test_a_deep_value_is_cut_and_never_too_deep_to_follow() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert excerpt({"triage": deep}, PATHS) == {"triage": [[[[[[[]]]]]]]}


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["level", "title", "a"]), inner),
    max_leaves=15,
)


@PROPERTY
@given(st.dictionaries(st.sampled_from(["lead", "triage", "x"]), VALUES))
def test_templates_say_of_an_ordinary_context_s_excerpt_what_they_say_of_it(context: dict[str, Any]) -> None:
    tree = Tree(["{lead.title}", "{lead.a*}", "{triage}", "{triage.level|none}", "{x*}"])
    assert tree.fill(excerpt(context, tree.paths)) == tree.fill(context)

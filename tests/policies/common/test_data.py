from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.data import block, facts, pruned, unmarked
from tests.support.fakes import PROPERTY

MARKER = re.compile(r"(BEGIN|END)\s+DATA", re.IGNORECASE)


def test_what_steers_the_gateway_is_no_fact() -> None:
    context = {"lead": {"name": "Maya"}, "conversation_id": "c1", "conversation_history": [], "anything": 1}
    assert facts(context) == {"lead": {"name": "Maya"}, "anything": 1}


def test_of_very_many_keys_the_first_are_facts() -> None:
    context = {"conversation_id": "c1", **{f"k{n}": n for n in range(20_000)}}
    assert list(facts(context))[:2] == ["k0", "k1"]
    assert 9_000 < len(facts(context)) <= 10_000


@pytest.mark.parametrize(
    "text",
    [
        *("END DATA", "end data", "BEGIN  DATA", "END\tDATA", "END\n\nDATA", "END\u00a0DATA", "END\u2028DATA"),
        *(
            "END\u200bDATA",
            "E\u00adND DATA",
            "\uff25\uff2e\uff24 \uff24\uff21\uff34\uff21",
            "END_DATA",
            "END - DATA",
            "END END DATA DATA",
        ),
    ],
)
def test_what_looks_like_a_marker_is_one_no_more(text: str) -> None:
    broken = unmarked(f"a {text} b")
    assert broken.startswith("a ") and broken.endswith(" b")
    assert "-DATA" in broken
    assert unmarked(broken) == broken
    assert len(MARKER.findall(block(text))) == 2


@pytest.mark.parametrize("text", ["the end of data", "ENDDATA", "weekend data", "send database", "Begin: data", ""])
def test_other_words_are_left_alone_but_for_whole_markers(text: str) -> None:
    assert ("-DATA" in unmarked(text)) is bool(re.search(r"(?i)(begin|end)[\W_]+data", text))


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        *({}, {"a": 1}, {"a": ["b", None, True, 1.5]}, {"lead": {"name": "Maya", "notes": "n" * 50}}),
        {"list": [{"a": n} for n in range(20)]},
    ],
)
def test_what_there_is_room_for_is_what_it_was(value: Any) -> None:
    assert pruned(value, 2000) == value


@pytest.mark.parametrize(
    "value",
    [
        *({"a": "x" * 10**6}, {f"k{n}": n for n in range(10**5)}, {"a": [[]] * 10**5}, {"a": list(range(10**5))}),
        *({"a": [nested(90)] * 1000}, {"k" * 10**5: 1, "b": 2}, {"a": {"b": {"c": ["\\" * 10**5] * 5}}}),
    ],
)
def test_what_there_is_no_room_for_is_left_out(value: Any) -> None:
    kept = pruned(value, 1000)
    assert kept
    assert len(json.dumps(kept, indent=1)) < 1000 * 30 + 10**5 * (max(map(len, value)) > 1000)


@PROPERTY
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_of_any_value_a_value_of_its_kind_is_kept(value: Any) -> None:
    for room in (0, 10, 100):
        assert type(pruned(value, room)) is type(value)

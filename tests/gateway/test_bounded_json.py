from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bounded_json import DEEPEST, TooNestedError, loads, loads_all
from tests.support.fakes import PROPERTY


def lists(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


def objects(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("nested", [lists, objects])
def test_what_is_nested_as_deep_as_may_be_can_be_written_again(nested: Any) -> None:
    assert orjson.dumps(loads(nested(DEEPEST))) == nested(DEEPEST)


@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 210, 240, 254, 1000])
def test_what_is_nested_deeper_is_refused(nested: Any, depth: int) -> None:
    for text in (nested(depth), b'{"a":[0,' + nested(depth) + b"]}", b"[" + b",".join([nested(depth)] * 20) + b"]"):
        with pytest.raises(TooNestedError, match="100 levels"):
            loads(text)


def test_wide_is_not_deep() -> None:
    assert len(loads(b"[" + b",".join([b"[]"] * 5000) + b"]")) == 5000
    assert loads(b'"' + b"[" * 5000 + b'"') == "[" * 5000


def test_there_are_only_so_many_lists_and_objects_but_in_texts() -> None:
    with pytest.raises(TooNestedError, match="100000 lists and objects"):
        loads(b"[" + b",".join([b"{}"] * 100_000) + b"]")
    many = b'["' + b"[{" * 100_000 + b'", "\\"[' + b"{" * 200_000 + b'"]'
    assert len(loads(many)) == 2


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[1,]", b'"\xff"', lists(100_000)])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@PROPERTY
@given(JSON)
def test_everything_else_is_read_as_it_is(value: Any) -> None:
    assert loads(orjson.dumps(value)) == value


@PROPERTY
@given(st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), max_size=40))
def test_several_texts_are_read_as_each_by_itself(values: list[Any]) -> None:
    texts = [orjson.dumps(value) for value in values]
    assert loads_all(texts) == [loads(text) for text in texts]


SEVERAL = {
    "one borrows of the next": [b'{"c":"Hel', b'lo"},{"d":"x"}'],
    "a list is cut": [b'{"a":1},{"b":[1', b"2]}"],
    "one is no object": [b'{"a":1}', b"[1]"],
    "one is broken": [b'{"a": 1}', b'{"a'],
    "one is split in two": [b'{"a": "b', b'c"}'],
    "one holds two": [b"1,2"],
    "one is empty": [b"1", b""],
    "together they are deep": [b'{"a":' * 50, b'"b":' + b'{"a":' * 80, b"1" + b"}" * 130 + b",{},{}"],
    "one is deep": [b"1", b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)],
}


@pytest.mark.parametrize("what", SEVERAL)
def test_where_they_are_not_a_small_value_each_that_is_said(what: str) -> None:
    with pytest.raises(ValueError, match=r"each|small|JSON|comma|expected"):
        loads_all(SEVERAL[what])

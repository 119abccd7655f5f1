from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.readers.front_matter import LONGEST, MOST, cut_off
from gateway.retrieval.types import Unreadable
from tests.support.fakes import PROPERTY


def test_known_keys_are_taken_as_they_were_written() -> None:
    text = '---\ntitle: "A: b"\ntype: policy\ncategory: 2024-01-01\nsource: on\ntags: [a, {b: c}]\n---\n# Text\n'
    assert cut_off(text) == ({"title": "A: b", "type": "policy", "category": "2024-01-01", "source": "on"}, "# Text\n")


@pytest.mark.parametrize("value", ["", "null", "~", '""', '"  "'], ids=["none", "null", "tilde", "empty", "spaces"])
def test_a_key_without_a_value_is_not_there(value: str) -> None:
    assert cut_off(f"---\ntitle: {value}\n---\ntext") == ({}, "text")


@pytest.mark.parametrize(
    "text",
    [
        "no front matter",
        "",
        "----\ntitle: x\n---\n",
        "---\nA heading\n---\nand text",
        " ---\ntitle: x\n---\n",
        "---\n\ntext",
    ],
    ids=["none", "empty", "four-dashes", "setext", "not-at-the-start", "a-rule"],
)
def test_what_is_no_front_matter_is_text(text: str) -> None:
    assert cut_off(text) == ({}, text)


def test_windows_line_ends_dots_and_an_end_without_text() -> None:
    assert cut_off("---\r\ntitle: x\r\n---\r\ntext") == ({"title": "x"}, "text")
    assert cut_off("---\ntitle: x\n...\ntext") == ({"title": "x"}, "text")
    assert cut_off("---\n---") == ({}, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\ntype: x\ntitle: [a\n---\n", "its front matter is not YAML, line 4"),
        ("---\ntitle: a: b\n---\n", "its front matter is not YAML, line 2"),
        ("---\ntitle: \x01\n---\n", "its front matter is not YAML"),
        ("---\ntitle: " + "[" * 5_000 + "\n---\n", "its front matter is not YAML"),
        ("---\ntitle: [a]\n---\n", "its front matter's title is not a text"),
        (
            f"---\ncategory: {'x' * (LONGEST + 1)}\n---\n",
            f"its front matter's category is longer than {LONGEST} characters",
        ),
        ("---\ntitle: x\n" + "a: b\n" * MOST, f"its front matter has no end within {MOST} characters"),
    ],
    ids=["open-list", "two-colons", "control", "nested", "list", "long", "endless"],
)
def test_wrong_front_matter_is_named(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as error:
        cut_off(text)
    assert str(error.value) == reason


def test_aliases_do_not_grow() -> None:
    lines = [
        "a0: &a0 [x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 20)),
        "title: here",
    ]
    assert cut_off("---\n" + "\n".join(lines) + "\n---\n") == ({"title": "here"}, "")


@PROPERTY
@given(st.text(max_size=80))
def test_whatever_stands_there_is_read_or_refused(text: str) -> None:
    try:
        meta, _ = cut_off(f"---\n{text}\n---\nrest")
    except Unreadable:
        return
    assert all(meta.values())

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.readers.markdown import read
from gateway.retrieval.types import Block, Kind
from tests.support.fakes import PROPERTY


def blocks(text: str) -> list[Block]:
    return list(read(text.encode()).blocks)


def test_headings_of_both_kinds_and_the_title() -> None:
    text = "# Head *one* `code` ##\n\ntext\n\nSecond\n---\n\n### Third"
    assert [block for block in blocks(text) if block.kind is Kind.HEADING] == [
        Block(Kind.HEADING, "Head one code", 1),
        Block(Kind.HEADING, "Second", 2),
        Block(Kind.HEADING, "Third", 3),
    ]
    assert read(text.encode()).title == "Head one code"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("one\ntwo", "one two"),
        ("one  \ntwo<br>three", "one\ntwo\nthree"),
        ("[shown](http://x.invalid) ![alt *text*](x.png)", "shown alt text"),
        ("**bold** <b>tag</b> ~~gone~~ `a*b`", "bold tag gone a*b"),
        ("&amp; &eacute; \\* <!-- note -->", "& é *"),
        ("> quoted", "quoted"),
    ],
    ids=["soft", "hard", "links", "marks", "entities", "quote"],
)
def test_a_paragraph_is_its_words(text: str, seen: str) -> None:
    assert blocks(text) == [Block(Kind.PARAGRAPH, seen)]


def test_a_list_is_one_block_with_what_is_nested_in_it() -> None:
    text = "- one\n- two\n\n  more\n  1. inner\n  2. last\n- three\n\n  ```\n  code\n    here\n  ```\n"
    assert blocks(text) == [Block(Kind.LIST, "- one\n- two\n  more\n  1. inner\n  2. last\n- three\n  code\n    here")]


def test_a_table_keeps_its_rows() -> None:
    text = "Bands:\n\n| a | b *c* |\n|---|---|\n| 1 | `x` |\n| 2 | 3 \\| 4 |\n"
    assert blocks(text) == [Block(Kind.PARAGRAPH, "Bands:"), Block(Kind.TABLE, "a | b c\n1 | x\n2 | 3 | 4")]


def test_code_stays_as_it_is() -> None:
    assert blocks("```python\n# no heading\n  x = 1\n```\n\n    indented\n") == [
        Block(Kind.CODE, "# no heading\n  x = 1"),
        Block(Kind.CODE, "indented"),
    ]


def test_html_within_is_read_as_html() -> None:
    text = "<table><tr><td>x<td>y<tr><td>1<td>2</table>\n\n<script>\nalert(1)\n</script>\n\n<div hidden>no</div>\n"
    assert blocks(text) == [Block(Kind.TABLE, "x | y\n1 | 2")]


def test_front_matter_is_told_apart_from_the_first_heading() -> None:
    parsed = read(b"---\ntitle: Named\ntype: policy\n---\n# Heading\n")
    assert (parsed.title, parsed.meta) == ("Heading", {"title": "Named", "type": "policy"})


HOSTILE = {
    "brackets": "[" * 200_000,
    "images": ("![[" * 2_000 + "\n\n") * 5,
    "links": "[a](" * 50_000,
    "stars": "*a **b " * 30_000,
    "quotes": "> " * 50_000,
    "lists": "- " * 50_000,
    "angles": "<" * 200_000,
    "ticks": "".join("`" * length + " " for length in range(600)),
    "indents": "".join(" " * depth + "- x\n" for depth in range(500)),
    "divs": "<div>" * 400,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_parsers_choke_on_is_read(name: str) -> None:
    """Those that take the square of a length, or recursion, would hang or fail here."""
    read(HOSTILE[name].encode())


@PROPERTY
@given(st.text(st.sampled_from("ab *_`[]()<>!#-|\n\t>1.&;\\"), max_size=120))
def test_any_text_is_read(text: str) -> None:
    for block in blocks(text):
        assert block.text.strip()
        assert (block.level > 0) == (block.kind is Kind.HEADING)


@PROPERTY
@given(
    st.lists(st.text("abcdefg", min_size=1, max_size=8), min_size=1, max_size=12),
    st.sampled_from(["", "# ", "- ", "> "]),
)
def test_no_word_is_lost(words: list[str], mark: str) -> None:
    found = blocks("\n\n".join(mark + word for word in words))
    assert "".join(character for block in found for character in block.text if character in "abcdefg") == "".join(words)

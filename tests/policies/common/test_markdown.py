from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.common.markdown import LEFT_OUT, LINK, literal
from tests.support.fakes import PROPERTY

SIGNS = [*"[]()!*_`<>&#+-~\\:/|=@", "1.", "www.", "lt;", "//", "a", "é", "12", " "]
TEXTS = st.text() | st.lists(st.sampled_from(SIGNS)).map("".join)


def shown(markdown: str) -> str:
    """What a reader sees of Markdown that holds escapes only."""
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Maya Chen, lead score 82.5 (+3)", "Maya Chen, lead score 82.5 (+3)"),
        ("AT&T: ARR > $5M & growing", "AT&T: ARR &gt; $5M & growing"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[click](x)", r"\[click\]\(x)"),
        ("![x](y)", r"!\[x\]\(y)"),
        ("[a]: b", r"\[a\]: b"),
        ("*a* _b_ ~c~ `d`", r"\*a\* \_b\_ \~c\~ \`d\`"),
        ("&lt;b&gt; &#60;", r"\&lt;b\&gt; \&#60;"),
        ("\\[x]", r"\\\[x\]"),
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("+ a", r"\+ a"),
        ("1. a", r"1\. a"),
        ("12) a", r"12\) a"),
        ("1.5 a", "1.5 a"),
        ("", ""),
    ],
)
def test_signs_of_markdown_are_text(line: str, said: str) -> None:
    assert literal(line) == said


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x",
        "[pay](https://evil.example)",
        "![](//evil.example/?q=82)",
        "<https://evil.example>",
        "ftp://evil.example",
        "WWW.evil.example",
        "(www.evil.example)",
        "mailto:a@evil.example",
        "evil.example/login",
        "evil.example?q=82",
        "_www.evil.example",
    ],
)
def test_a_link_is_left_out(link: str) -> None:
    assert literal(f"See {link} today") == f"See {LEFT_OUT} today"


@pytest.mark.parametrize("text", ["and/or", "a.b", "Booking.com?", "data: none", "c/o Dr. Poole", "tel: none", "24/7"])
def test_what_only_looks_a_little_like_one_stays(text: str) -> None:
    assert literal(text) == text


@PROPERTY
@given(TEXTS)
def test_no_text_makes_anything_but_text(line: str) -> None:
    said = literal(line)
    assert not {"<", ">"} & set(said)
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]*_`~]", said)
    if "&" not in line:  # one that begins no entity stays as it is
        assert shown(said) == " ".join(LEFT_OUT if LINK.search(word) else word for word in line.split(" "))

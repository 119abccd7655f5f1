from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.readers.html import DEEPEST, blocks, read
from gateway.retrieval.types import Block, Kind, Unreadable
from tests.support.fakes import PROPERTY

PIECES = [
    "<p>",
    "</p>",
    "<ul>",
    "<li>",
    "</ul>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<h2>",
    "</h2>",
    "<pre>",
    "</pre>",
    "<b>",
    "<br>",
    "<dl>",
    "<dt>",
    "<dd>",
    "<caption>",
    "<!--",
    "-->",
    "<nav",
    ">",
    "&lt;",
    "word",
]


def texts(page: str) -> list[str]:
    return [block.text for block in blocks(page)]


def test_a_page_by_its_structure() -> None:
    page = """<!doctype html><html><head><title> The
        title </title><style>p {}</style></head><body><h1>Head <i>one</i></h1><p>a<b>b</b> c<br>d</p>loose
        <ul><li>one<ul><li>inner<p>more</p></ul><li>two</ul><dl><dt>Term<dd>Meaning</dl>
        <pre>code
   kept</pre></body></html>"""
    parsed = read(page.encode())
    assert parsed.title == "The title"
    assert parsed.blocks == [
        Block(Kind.HEADING, "Head one", 1),
        Block(Kind.PARAGRAPH, "ab c\nd"),
        Block(Kind.PARAGRAPH, "loose"),
        Block(Kind.LIST, "- one\n  - inner\n    more\n- two"),
        Block(Kind.LIST, "- Term\n  Meaning"),
        Block(Kind.CODE, "code\n   kept"),
    ]


def test_without_a_title_the_first_heading_is_it() -> None:
    assert read(b"<p>x</p><h2>Second</h2>").title == "Second"


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>no</script>", "<style>no</style>", "<nav>no</nav>", "<template>no</template>", "<p hidden>no</p>",
        '<p aria-hidden="true">no</p>', '<div style="color: red; DISPLAY : none"><p>no</p></div>', "<!-- no -->",
        "<noscript>no</noscript>", "<svg><text>no</text></svg>", '<span style="visibility:hidden">no</span>',
        "<button>no</button>", "<select><option>no</select>", "<iframe>no</iframe>", "<?no?>",
    ],
)  # fmt: skip
def test_what_is_not_seen_is_no_text(hidden: str) -> None:
    assert texts(f"<p>before</p>{hidden}<p>after</p>") == ["before", "after"]


def test_a_table_of_data() -> None:
    page = """<table><caption>Cap</caption><thead><tr><th>A<th>B<tbody><tr><td>1<td><p>2</p><p>3</p>
        <tr><td><script>no</script>4<td hidden>no<td>5</table>"""
    assert blocks(page) == [Block(Kind.PARAGRAPH, "Cap"), Block(Kind.TABLE, "A | B\n1 | 2 3\n4 | 5")]


def test_a_table_in_a_list_does_not_end_it() -> None:
    page = "<ul><li>one<table><tr><td>a<td>b</table><li>two</ul>"
    assert blocks(page) == [Block(Kind.LIST, "- one"), Block(Kind.TABLE, "a | b"), Block(Kind.LIST, "- two")]


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td><h2>Head</h2><p>text</p></table>",
        "<table role=presentation><tr><td><p>Head</p><td><p>text</p></table>",
        "<table><tr><td>Head<td><table><tr><td>text</table></table>",
    ],
    ids=["headings", "role", "nested"],
)
def test_a_table_for_layout_is_not_one_of_data(page: str) -> None:
    assert texts(page) == ["Head", "text"]


def test_the_declared_encoding_is_used() -> None:
    page = '<meta charset="windows-1251"><p>мир</p>'
    assert read(page.encode("cp1251")).blocks == [Block(Kind.PARAGRAPH, "мир")]
    mark = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>мир</p>'
    assert read(mark.encode("koi8-r")).blocks == [Block(Kind.PARAGRAPH, "мир")]


def test_elements_nested_without_end_are_refused() -> None:
    """The parser takes the square of the depth, so that this file alone would hold up an ingest for minutes."""
    with pytest.raises(Unreadable, match=f"more than {DEEPEST} levels"):
        blocks("<div>" * 200_000 + "x")


@pytest.mark.parametrize(
    "page",
    [
        "<table>" + "<tr><td>a<td>b" * 20_000 + "</table>",
        "<p>word" * 50_000,
        "<div>" * 490 + "<i>x</i>" * 20_000,
        "<ul><li>x" * 490,
        "<p " + "a=1 " * 100_000 + ">x",
        "<" * 500_000 + "p>x",
        "&" * 500_000 + " x",
        "<table><tr><td>x<td>x</table>" * 20_000,
    ],
    ids=["rows", "paragraphs", "deep", "lists", "attributes", "angles", "ampersands", "tables"],
)
def test_long_pages_take_linear_time(page: str) -> None:
    """Anything else would hang here."""
    assert any("x" in text or "a | b" in text or "word" in text for text in texts(page))


@PROPERTY
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_page_is_read(tags: list[str]) -> None:
    for block in blocks("".join(tags)):
        assert block.text.strip()
        assert (block.level > 0) == (block.kind is Kind.HEADING)


@PROPERTY
@given(
    st.lists(
        st.sampled_from(["<p>", "<ul><li>", "<table><tr><td>", "<h2>", "<pre>", "<b>", "<br>", "w", "x", " "]),
        max_size=30,
    )
)
def test_no_word_is_lost(tags: list[str]) -> None:
    found = "".join(texts("".join(tags)))
    # A table's parser puts stray words before it; none goes missing.
    assert sorted(found.translate({ord(c): None for c in "- |\n"})) == sorted(tag for tag in tags if tag in {"w", "x"})

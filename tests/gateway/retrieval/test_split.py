from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.split import LONGEST_HEADING, split
from gateway.retrieval.types import Block, Chunk, Document, Kind
from gateway.settings.schema import ChunkSizes
from tests.support.fakes import PROPERTY


class Sizes(NamedTuple):
    target: int = 300
    most: int = 600


def document(*blocks: Block, key: str = "a/b.md", title: str = "Title") -> Document:
    return Document(key, title, "where", "markdown", "a", "hash", blocks)


def heading(text: str, level: int = 2) -> Block:
    return Block(Kind.HEADING, text, level)


def paragraph(text: str) -> Block:
    return Block(Kind.PARAGRAPH, text)


def words(text: str) -> str:
    return "".join(text.split())


def visible(chunks: list[Chunk]) -> list[tuple[str, str]]:
    return [(chunk.heading, chunk.text) for chunk in chunks]


FILL = "Some words that fill the page. " * 6  # 186 characters: more than tiny, two of them more than a target
TEXTS = st.text(st.sampled_from("abcde .\n"), max_size=80)
BLOCKS = st.lists(
    st.one_of(
        st.builds(Block, st.sampled_from([Kind.PARAGRAPH, Kind.LIST, Kind.CODE]), TEXTS),
        st.builds(Block, st.just(Kind.HEADING), st.text("hH ", max_size=12), st.integers(1, 6)),
    ),
    max_size=20,
)
SIZES = st.builds(Sizes, st.integers(5, 120), st.integers(12, 120))


@PROPERTY
@given(BLOCKS, SIZES)
def test_no_text_is_lost_or_reordered_and_no_chunk_is_too_long(blocks: list[Block], sizes: Sizes) -> None:
    chunks = split(document(*blocks), sizes)
    assert all(0 < len(chunk.text) <= sizes.most for chunk in chunks)
    bodies = [words(block.text) for block in blocks if block.kind is not Kind.HEADING]
    written = words("".join(chunk.text for chunk in chunks)).translate({ord(h): None for h in "hH"})
    assert written == "".join(bodies)


@PROPERTY
@given(BLOCKS, SIZES)
def test_every_heading_stands_somewhere(blocks: list[Block], sizes: Sizes) -> None:
    chunks = split(document(*blocks), sizes)
    shown = words("".join(chunk.heading + chunk.text for chunk in chunks))
    for block in blocks:
        if block.kind is Kind.HEADING:
            assert words(block.text) in shown


@PROPERTY
@given(BLOCKS, SIZES)
def test_ids_are_unique_and_stable(blocks: list[Block], sizes: Sizes) -> None:
    chunks = split(document(*blocks), sizes)
    assert chunks == split(document(*blocks), sizes)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    elsewhere = split(document(*blocks, key="other.md"), sizes)
    assert not {chunk.id for chunk in chunks} & {chunk.id for chunk in elsewhere}
    assert [chunk.text_hash for chunk in chunks] == [chunk.text_hash for chunk in elsewhere]


def test_headings_of_the_first_two_levels_begin_a_chunk() -> None:
    chunks = split(document(heading("A"), paragraph(FILL), heading("B"), paragraph(FILL)), Sizes(900, 1800))
    assert [chunk.heading for chunk in chunks] == ["A", "B"]


def test_deeper_headings_share_one_where_they_fit_into_it_whole() -> None:
    blocks = [heading("A"), heading("x", 3), paragraph("One."), heading("y", 3), paragraph("Two.")]
    assert visible(split(document(*blocks), Sizes())) == [("A", "x\n\nOne.\n\ny\n\nTwo.")]
    apart = [heading("x", 3), paragraph(FILL), heading("y", 3), paragraph(FILL)]
    assert [chunk.heading for chunk in split(document(*apart), Sizes())] == ["x", "y"]


def test_tiny_sections_are_joined_under_what_they_share() -> None:
    blocks = [heading("Top", 1), heading("A"), paragraph("One."), heading("B"), paragraph("Two.")]
    assert visible(split(document(*blocks), Sizes())) == [("Top", "A\n\nOne.\n\nB\n\nTwo.")]


def test_two_headings_of_the_same_words_both_stay() -> None:
    blocks = [heading("Note"), paragraph("One."), heading("Note"), paragraph("Two.")]
    assert visible(split(document(*blocks), Sizes())) == [("", "Note\n\nOne.\n\nNote\n\nTwo.")]


def test_a_chunk_carries_its_path_of_headings_and_its_document() -> None:
    (chunk,) = split(document(heading("Title", 1), heading("A"), heading("x", 3), paragraph("One.")), Sizes())
    assert chunk.heading == "A > x"  # the title is there already
    assert chunk.indexed == "Title\nA > x\nOne."
    assert (chunk.document, chunk.source, chunk.document_type, chunk.category, chunk.content_hash) == (
        "a/b.md", "where", "markdown", "a", "hash",
    )  # fmt: skip


def test_headings_with_nothing_under_them_are_text() -> None:
    blocks = [heading("A"), heading("B"), heading("C", 3)]
    assert visible(split(document(*blocks), Sizes())) == [("", "A\n\nB\n\nC")]


def test_a_heading_of_a_paragraphs_length_is_one() -> None:
    long = "word " * LONGEST_HEADING
    chunks = split(document(heading(long), paragraph("One.")), Sizes())
    assert all(chunk.heading == "" for chunk in chunks)
    assert words("".join(chunk.text for chunk in chunks)) == words(long) + "One."


def test_paragraphs_are_joined_to_about_the_target() -> None:
    chunks = split(document(*(paragraph(f"Paragraph {number}. " + FILL) for number in range(6))), Sizes(450, 900))
    assert [chunk.text.count("Paragraph") for chunk in chunks] == [2, 2, 2]


def test_a_table_stays_with_the_line_that_introduces_it() -> None:
    table = Block(Kind.TABLE, "\n".join(["band | score", *(f"{number} | {number}0 points" for number in range(25))]))
    (chunk,) = split(document(paragraph("The bands are these:"), table), Sizes(300, 600))
    assert chunk.text == f"The bands are these:\n\n{table.text}"


@pytest.mark.parametrize("kind", [Kind.TABLE, Kind.LIST, Kind.CODE], ids=str)
def test_what_is_kept_whole_may_pass_the_target(kind: Kind) -> None:
    text = "\n".join(f"- {number} | x" for number in range(60))
    assert text in [chunk.text for chunk in split(document(paragraph(FILL), Block(kind, text)), Sizes(200, 600))]


def test_a_target_beyond_what_is_allowed_gives_way() -> None:
    chunks = split(document(*(paragraph(FILL) for _ in range(5))), ChunkSizes(target=2000, most=400))
    assert max(len(chunk.text) for chunk in chunks) <= 400


def test_a_document_without_text_has_no_chunks() -> None:
    assert split(document(paragraph(" \n"), heading("  ")), Sizes()) == []
    assert split(document(), Sizes()) == []

from __future__ import annotations

import pytest

from gateway.retrieval.readers.running import without_running


def test_what_most_pages_begin_or_end_with_is_left_out() -> None:
    pages = [
        f"The handbook\nText of {word}.\nmore of {word}\nPage {number} of 5" for number, word in enumerate("abcde", 1)
    ]
    assert without_running(pages) == [f"Text of {word}.\nmore of {word}" for word in "abcde"]


def test_a_line_that_is_repeated_in_the_midst_of_pages_is_text() -> None:
    pages = ["\n".join([f"begin {word}", f"also {word}", "Note:", f"then {word}", f"end {word}"]) for word in "abcd"]
    assert without_running(pages) == pages


@pytest.mark.parametrize("count", [0, 1, 3], ids=str)
def test_few_pages_are_left_alone(count: int) -> None:
    assert without_running(["Same\ntext"] * count) == ["Same\ntext"] * count


def test_what_half_of_the_pages_share_stays() -> None:
    pages = ["Left\none a", "Right\ntwo b", "Left\nthree c", "Right\nfour d"]
    assert without_running(pages) == pages


def test_roman_numbers_are_page_numbers_too_and_empty_pages_do_no_harm() -> None:
    assert without_running(["text a\nii", "text b\niii", "text c\niv", ""]) == ["text a", "text b", "text c", ""]

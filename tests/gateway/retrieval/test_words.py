import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.retrieval.words import asked, close, corrected, flat, has_code, meaningful, near, stem


@pytest.mark.parametrize(
    ("query", "words", "codes"),
    [
        ("What is B006?", ("b006",), ("b006",)),
        ("invoice INV-2041 of 2026-01-31", ("invoice", "inv", "2041", "2026", "01", "31"), ("inv-2041", "2026-01-31")),
        ("new in 3.10, since v0.1.12", ("new", "since", "10", "3", "v0", "12", "1"), ("3.10", "v0.1.12")),
        ("within 24h or a 3-day delay of 10000", ("24h", "3", "day", "delay", "10000"), ()),
        ("the of and", ("the", "of", "and"), ()),
        (" ", (), ()),
        ("Größe der Straße", ("größe", "der", "straße"), ()),
    ],
    ids=["code", "date", "version", "quantities", "nothing meaningful", "nothing", "not English"],
)
def test_a_question_s_words_and_codes(query: str, words: tuple[str, ...], codes: tuple[str, ...]) -> None:
    found = asked(query)
    assert set(found.words) == set(words)
    assert found.codes == codes


def test_a_long_question_is_bounded_and_a_broken_one_is_mended() -> None:
    found = asked("word\ud800 " * 500_000)
    assert len(found.text) <= 2_000
    assert found.text.encode()
    assert len(asked(" ".join(f"word{number}" for number in range(1_000))).words) == 48


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("iterate", "iterating"),
        ("imports", "imported"),
        ("deletion", "delete"),
        ("running", "run"),
        ("policies", "policy"),
        ("approval", "approved"),
    ],
)
def test_a_word_s_forms_begin_with_its_stem(one: str, other: str) -> None:
    assert f"{other} ".startswith(stem(one))


def test_short_words_and_codes_are_matched_whole() -> None:
    assert not "format ".startswith(stem("for"))
    assert not "e501x ".startswith(stem("e501"))


def test_a_flat_text_can_be_searched_for_beginnings() -> None:
    assert flat("Use `os.path.join()`,\nnot-this") == " use os path join not this "
    assert meaningful(flat("How do I use the index, and the Index?")) == ["index"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("defualt", "default"),
        ("mutabel", "mutable"),
        ("flie", "file"),
        ("pasword", "password"),
        ("compltely", "completely"),
        ("eslint", None),
        ("fil", None),
        ("b007", None),
    ],
)
def test_a_misspelt_word_is_read_as_the_nearest_one(word: str, meant: str | None) -> None:
    assert near(word, ["default", "mutable", "file", "password", "completely", "pylint", "b006", "fit"]) == meant


@given(st.text(string.ascii_lowercase, min_size=5, max_size=12), st.data())
def test_one_slip_is_always_forgiven_within_the_word(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(word) - 2))
    slipped = data.draw(
        st.sampled_from(
            [
                word[:place] + word[place + 1 :],
                word[:place] + "q" + word[place:],
                word[:place] + "q" + word[place + 1 :],
            ]
        )
    )
    if len(slipped) >= 4:
        assert near(slipped, [word]) == word


def test_only_words_that_no_text_has_are_corrected() -> None:
    texts = [flat("Mutable default arguments"), flat("unused imports")]
    assert corrected(["defualt", "import", "weather"], texts) == {"defualt": "default"}
    assert corrected(["defualt"], []) == {}


def test_a_code_counts_only_by_itself() -> None:
    assert has_code("e50", "see e501, e50.")
    assert not has_code("e50", "see e501 and xe50")
    assert has_code("2026-01-31", "on 2026-01-31")


def test_words_are_close_in_either_order_and_not_across_a_text() -> None:
    text = flat("the discount of a contract needs approval " + "and more " * 20 + "renewal")
    assert close(text, " discount", " contract")
    assert close(text, " approv", " contract")
    assert not close(text, " discount", " renew")


def test_hostile_texts_cost_little() -> None:
    """A bound far above what it takes (some milliseconds), far below what the square of the length would."""
    started = time.process_time()
    close(flat("ab " * 2_000), " ab", " zz")
    corrected(["x" * 40], [flat(" ".join(f"y{'x' * 38}{number}" for number in range(500)))])
    has_code("1.1", "1.11" * 20_000)
    assert time.process_time() - started < 5


def test_of_many_words_that_no_text_has_the_longest_are_corrected() -> None:
    words = ["discoumt", *(f"gibberish{number}" for number in "abcdefghijklmnop")]
    assert corrected(["discoumt"], [" a discount "]) == {"discoumt": "discount"}
    assert corrected(words, [" a discount "]) == {}

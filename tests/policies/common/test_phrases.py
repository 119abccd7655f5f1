from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policies.common.phrases import Phrases, Vocabulary
from policies.common.words import tokenise
from tests.support.fakes import PROPERTY

VOCABULARY: dict[str, Any] = {
    "ignored": ["the", "please"],
    "breaks": ["but"],
    "abbreviations": ["mr"],
    "negations": ["don't", "not", "no need"],
    "exceptions": ["why not", "don't forget"],
    "retractions": ["not now", "never mind"],
    "synonyms": {"show": ["show", "pull the up"], "risk": ["risk", "risks"]},
    "reach": 3,
}


def phrases(*texts: str, **changes: Any) -> Phrases:
    return Phrases(Vocabulary.model_validate({**VOCABULARY, **changes}), texts)


def found(texts: list[str], text: str) -> list[int]:
    """The places of the phrases that a text holds, but those which it negates."""
    return sorted(match.phrase for match in phrases(*texts).find(tokenise(text)) if not match.denied)


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("show risks", "Show the RISKS, please", True),
        ("the show risks", "show risks", True),
        ("Show-Risks", "show risks", True),
        ("show risks", "show, risks", False),
        ("show risks", "asterisks", False),
        ("{show} {risk}", "pull up the risk", True),
        ("show .. risks", "show me all of risks", True),
        ("show .. risks", "show me all of these risks", False),
        ("show .. .. risks", "show me all of these big risks", True),
        ("show .. risks", "show Mr. Smith's risks", True),
        ("show .. risks", "show Smith. Risks", False),
        ("show .. risks", "show me but risks", False),
    ],
)
def test_a_phrase_is_found_within_a_clause(phrase: str, text: str, expected: bool) -> None:
    assert found([phrase], text) == ([0] if expected else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("show risks", True),
        ("don't show risks", False),
        ("don\u2019t ever show risks", False),
        ("don't you all show risks", False),
        ("don't you of all show risks", True),  # beyond its reach
        ("don't, show risks", True),
        ("don't bother but show risks", True),
        ("don't see Mr. Smith; show risks", True),
        ("there is no need to show risks", False),
        ("show not the risks", False),  # inside of the phrase's gap
        ("show risks not profiles", True),
        ("why not show risks", True),
        ("don't forget to show risks", True),
        ("don't forget it and don't show risks", False),
        ("show risks, not now", False),
        ("show risks not now", False),
        ("not now, show risks", True),
        ("show risks. Never mind.", False),
        ("show risks... oh, never mind!", False),
        ("show risks. Then call her. Never mind.", True),
        ("never mind. Show risks.", True),
        ("show risks. Why not now?", True),
    ],
)
def test_negations_and_what_only_looks_like_one(text: str, expected: bool) -> None:
    assert found(["show .. risks"], text) == ([0] if expected else [])


def test_a_negation_that_a_phrase_is_written_with_belongs_to_it() -> None:
    assert found(["why is it not signed", "is .. signed"], "why is it not signed") == [0]


def test_a_match_says_where_and_of_how_many_words() -> None:
    (match,) = phrases("{show} .. risks").find(tokenise("Hi, please pull the up all big risks"))
    assert match == (0, 3, 2, 7, False)


def test_phrases_that_say_the_same_are_named() -> None:
    assert (0, 2) in phrases("show {risk}", "show all", "show risks").same


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("", "the phrase '' needs words"),
        ("the please", "needs words"),
        (".. risks", "'.. risks' needs words"),
        ("show ..", "'show ..' needs words"),
        ("show {risks}", "names {risks}, which is not among 'synonyms' (show, risk, many)"),
        ("show {risk", "words only"),
        ("show, risks", "ends a clause"),
        ("nothing but risks", "ends a clause"),
        ("show ?", "ends a clause"),
        ("show *", "needs a word"),
        (" ".join(["{many}"] * 4), "makes 160000 forms"),
    ],
)
def test_a_phrase_that_can_t_be_matched_is_refused_by_name(phrase: str, words: str) -> None:
    many = {**VOCABULARY["synonyms"], "many": [f"m{at}" for at in range(20)]}
    with pytest.raises(ValueError, match="phrase") as raised:
        phrases("show", phrase, synonyms=many)
    assert words in str(raised.value)


def test_all_forms_together_have_a_bound() -> None:
    many = {"many": [f"m{at}" for at in range(21)]}
    with pytest.raises(ValueError, match="in all"):
        phrases(*(f"{{many}} {{many}} {{many}} x{at}" for at in range(30)), synonyms=many)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ignored": ["of the"]}, "'of the' is not one word"),
        ({"breaks": [","]}, "',' is not one word"),
        ({"negations": ["the"]}, "'the' needs words"),
        ({"exceptions": ["the not"]}, "'not' and 'the not' say the same"),
        ({"synonyms": {"a": ["{b}"]}}, "synonym '{b}' of 'a'"),
        ({"synonyms": {"a": ["b .. c"]}}, "synonym 'b .. c' of 'a'"),
        ({"synonyms": {"a": ["the"]}}, "synonym 'the' of 'a'"),
    ],
)
def test_a_vocabulary_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="one word|needs|same") as raised:
        phrases("show", **changes)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "changes", [{"synonyms": {"a": []}}, {"ignored": [""]}, {"reach": 0}, {"colour": 1}, {"ignored": [False]}]
)
def test_a_vocabulary_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Vocabulary.model_validate({**VOCABULARY, **changes})


PIECES = ["show", "risks", "don't", "not", "now", "never", "mind", "why", "the", "but", ",", ".", "mr", "no", "need"]


@PROPERTY
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join) | st.text())
def test_negation_only_ever_takes_away(text: str) -> None:
    none: dict[str, list[str]] = {"negations": [], "exceptions": [], "retractions": []}
    texts = ["show", "show .. risks", "why not"]
    plain = {match[:4] for match in phrases(*texts, **none).find(tokenise(text))}
    assert {match[:4] for match in phrases(*texts).find(tokenise(text))} == plain

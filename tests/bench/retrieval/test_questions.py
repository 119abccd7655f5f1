"""The labelled questions: enough of each kind, labels that exist, two halves."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.retrieval.corpus import CORPORA, Corpus, label, rules
from bench.retrieval.questions import NOT_COVERED, OBLIQUE, Question, load

NAMES = [corpus.questions for corpus in CORPORA]


@pytest.mark.parametrize("corpus", CORPORA, ids=NAMES)
def test_every_label_is_a_document_s(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("corpus") / "documents"
    written = corpus.write(folder)
    names = [path.stem for path in folder.rglob("*.md")]
    assert len(names) == len(set(names)) == written
    assert {one for question in load(corpus.questions) for one in question.right} <= set(names)


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_not_covered_has_no_right_document(name: str) -> None:
    assert all((question.kind == NOT_COVERED) is not bool(question.right) for question in load(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_question_is_asked_twice(name: str) -> None:
    texts = [question.text.lower() for question in load(name)]
    assert len(texts) == len(set(texts))


def test_there_are_enough_of_each_kind_in_each_half() -> None:
    found = load("questions.yaml")
    promised = [question for question in found if question.promised]
    assert len(promised) >= 160
    assert sum(question.kind == NOT_COVERED for question in found) >= 40
    for half in (True, False):
        kinds = Counter(question.kind for question in promised if question.fits is half)
        assert set(kinds) == {"paraphrased", "keyword", "code", "misspelt", NOT_COVERED}
        assert min(kinds.values()) >= 10


def test_an_oblique_question_is_neither_fitted_on_nor_promised() -> None:
    texts = [f"question {number}" for number in range(50)]
    oblique = [Question(text, OBLIQUE, frozenset({"a"})) for text in texts]
    assert not any(question.fits or question.promised for question in oblique)
    halves = Counter(Question(text, "keyword", frozenset({"a"})).fits for text in texts)
    assert min(halves[True], halves[False]) > 10


def test_the_corpus_is_real_and_large_enough() -> None:
    found = rules()
    assert len(found) >= 300
    assert {"B006", "E501", "F401"} <= {label(rule) for rule in found}
    assert sum(len(rule["explanation"]) for rule in found) > 500_000

"""The figures and promises; and the example knowledge base, evaluated for real."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.retrieval import questions
from bench.retrieval.corpus import CORPORA
from bench.retrieval.evaluate import Figures, Outcome, asked, broken, figures, indexed, table
from bench.retrieval.questions import NOT_COVERED, Question


def covered(rank: int, text: str = "?") -> Outcome:
    return Outcome(Question(text, "keyword", frozenset({"a"})), rank, gap=rank == 0)


def not_covered(*, gap: bool) -> Outcome:
    return Outcome(Question("?", NOT_COVERED, frozenset()), 0, gap)


def test_figures_of_a_known_result() -> None:
    outcomes = [covered(1), covered(2), covered(4), covered(0), not_covered(gap=True), not_covered(gap=False)]
    assert figures(outcomes) == Figures(6, hit1=0.25, hit3=0.5, mrr=1.75 / 4, precision=0.5, recall=0.5)


def test_an_answer_that_is_wrong_is_no_gap() -> None:
    wrong = Outcome(Question("?", "keyword", frozenset({"a"})), 0, gap=False)
    assert figures([wrong]) == Figures(1, 0, 0, 0, None, None)


@pytest.mark.parametrize(
    ("outcomes", "names"),
    [
        ([covered(1)] * 9 + [not_covered(gap=True)] * 9, []),
        ([covered(4)] * 9 + [not_covered(gap=True)] * 9, ["hit3", "mrr"]),
        ([covered(1)] * 9 + [covered(0)] * 2 + [not_covered(gap=True)] * 9, ["hit3", "precision"]),
        ([covered(1)] * 9 + [not_covered(gap=False)] * 9, ["precision", "recall"]),
        ([], ["hit3", "mrr", "precision", "recall"]),
    ],
    ids=["all kept", "too far down", "refused", "made up", "nothing measured"],
)
def test_each_promise_can_be_broken(outcomes: Sequence[Outcome], names: list[str]) -> None:
    assert [words.split()[0] for words in broken(figures(outcomes))] == names


def test_the_table_has_each_kind_and_each_half() -> None:
    dense = [covered(1, f"question {number}") for number in range(20)] + [not_covered(gap=True)]
    lines = "\n".join(table(dense, dense))
    assert all(name in lines for name in ("keyword", "not_covered", "development half", "test half"))


async def test_the_example_knowledge_base_answers_its_questions_and_tells_its_gaps() -> None:
    """A regression is to be seen here; the promises are those of the large corpus."""
    corpus = next(one for one in CORPORA if not one.promised)
    labelled = questions.load(corpus.questions)
    async with indexed(corpus) as (store, embedder):
        dense = figures(await asked(store, embedder, labelled))
        text = figures(await asked(store, None, labelled))
    assert dense.hit3 is not None
    assert text.hit3 is not None
    assert dense.recall is not None
    assert dense.hit3 >= 0.8 > text.hit3
    assert dense.recall >= 0.9

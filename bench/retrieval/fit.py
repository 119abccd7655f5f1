"""``python -m bench.retrieval.fit``: the coefficients of ``gateway.retrieval.score``, to be written there.

Fitted on the half of the labelled questions that is not judged: a logistic formula on each question's best candidates,
then a second one of its sum alone, which sets where 0.5 is: at the best chunk of a question that is covered as likely
as not, were there as many covered ones as others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.retrieval.corpus import CORPORA
from bench.retrieval.evaluate import indexed, label
from bench.retrieval.questions import Question, load
from gateway.retrieval.score import CENTRES, Features, features
from gateway.retrieval.search import candidates
from gateway.retrieval.store import Store
from gateway.retrieval.types import Embedder, Hit
from gateway.retrieval.words import Asked, asked

Array = NDArray[np.float64]

#: How much a coefficient must be worth; and of how many of the best candidates each question is judged.
PENALTY = 0.3
BEST = 6
ROUNDS = 5
#: Few questions hold codes, and the formula would trust those few without bound.
MOST = Features(cosine=30, covered=30, adjoining=30, titled=30, present=10, missing=-6, named=10)


class Sample(NamedTuple):
    """A question's candidates: their features from the centres, a row each, and which of them are right."""

    rows: Array
    right: Array


def sample(question: Question, understood: Asked, hits: Sequence[Hit]) -> Sample:
    """Of one question and what was found for it."""
    rows = np.array(features(understood, hits)).reshape(len(hits), len(CENTRES)) - np.array(CENTRES)
    return Sample(rows, np.array([label(hit.chunk.source) in question.right for hit in hits], dtype=float))


def fitted(samples: Sequence[Sample], used: Sequence[int]) -> tuple[Features, float]:
    """The coefficients (of the columns ``used``; 0 for the others) and the base."""
    weights = np.zeros(len(CENTRES))
    weights[used] = 1.0
    for _ in range(ROUNDS):
        chosen = [_hardest(one, weights) for one in samples]
        rows, right = np.vstack([one.rows for one in chosen]), np.concatenate([one.right for one in chosen])
        counts = np.concatenate([_balance(one.right) for one in chosen])
        weights[used] = logistic(rows[:, used], right, counts, PENALTY)[:-1]
        weights = np.sign(weights) * np.minimum(np.abs(weights), np.abs(np.array(MOST)))
    best = np.array([[float((one.rows @ weights).max())] for one in samples])
    covered = np.array([float(one.right.any()) for one in samples])
    even = np.where(covered > 0, 0.5 / covered.mean(), 0.5 / (1 - covered).mean())
    scale, base = logistic(best, covered, even, 0.001)
    return Features(*(round(float(value), 1) for value in weights * scale)), round(float(base), 2)


def logistic(rows: Array, right: Array, counts: Array, penalty: float) -> Array:
    """The coefficients of each column, then the base: Newton's method, with a penalty on the squares."""
    wide = np.column_stack([rows, np.ones(len(rows))])
    ridge = np.diag([penalty] * rows.shape[1] + [1e-6])
    found = np.zeros(wide.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-np.clip(wide @ found, -30, 30)))
        slope = wide.T @ (counts * (likely - right)) + ridge @ found
        curve = (wide * (counts * likely * (1 - likely))[:, None]).T @ wide + ridge
        found -= np.linalg.solve(curve, slope)
    return found


def _hardest(one: Sample, weights: Array) -> Sample:
    """The best right one, and the wrong ones that come nearest to it."""
    order = np.argsort(-(one.rows @ weights), kind="stable")
    right = [row for row in order if one.right[row]][:1]
    kept = right + [row for row in order[:BEST] if not one.right[row]]
    return Sample(one.rows[kept], one.right[kept])


def _balance(right: Array) -> Array:
    """A question's wrong candidates count together as much as its right one."""
    return np.where(right > 0, 1.0, 1.0 / max(1.0, float((right == 0).sum())))


async def main() -> None:
    """Print the coefficients with embeddings and without."""
    dense: list[Sample] = []
    text: list[Sample] = []
    for corpus in CORPORA:
        async with indexed(corpus) as (store, embedder):
            for question in load(corpus.questions):
                if question.fits:
                    dense.append(sample(question, *await _found(store, embedder, question)))
                    text.append(sample(question, *await _found(store, None, question)))
    for name, samples, used in (
        ("WITH_EMBEDDINGS", dense, range(len(CENTRES))),
        ("TEXT_ONLY", text, range(1, len(CENTRES))),
    ):
        coefficients, base = fitted([one for one in samples if len(one.rows)], list(used))
        print(f"{name} = {coefficients}\n{name}_BASE = {base}")


async def _found(store: Store, embedder: Embedder | None, question: Question) -> tuple[Asked, list[Hit]]:
    understood = asked(question.text)
    hits, _ = await candidates(store, embedder, understood)
    return understood, hits


if __name__ == "__main__":
    asyncio.run(main())

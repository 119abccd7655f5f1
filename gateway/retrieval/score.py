"""How likely a chunk answers a question: 0 to 1, by features that mean the same for every question.

A logistic formula whose coefficients ``bench.retrieval.fit`` found on half of the labelled questions. Each feature
counts from its centre, where it speaks neither for nor against, so that ``dense_weight`` may shift the weight between
meaning and words without moving the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gateway.retrieval.types import Hit
from gateway.retrieval.words import Asked, close, corrected, flat, has_code, meaningful, stem

#: The share of meaning that the coefficients were fitted with.
USUAL_WEIGHT = 0.7


class Features(NamedTuple):
    """Each 0 to 1 but the cosine, which may be negative. ``covered`` is the share of the question's words that the
    chunk has, ``adjoining`` that of its pairs of words that stand close together there, ``titled`` the share of the
    title's words that the question has. ``present`` and ``missing`` are the shares of the question's codes that the
    chunk has and has not, ``named`` that of those which its title has.

    The text index's own score is none of them: it grows with the index and with the question's length.
    """

    cosine: float
    covered: float
    adjoining: float
    titled: float
    present: float
    missing: float
    named: float


CENTRES = Features(cosine=0.45, covered=0.6, adjoining=0.3, titled=0.3, present=0.0, missing=0.0, named=0.0)
WITH_EMBEDDINGS = Features(cosine=11.7, covered=7.9, adjoining=2.0, titled=3.2, present=6.7, missing=-4.3, named=5.8)
WITH_EMBEDDINGS_BASE = 1.06
TEXT_ONLY = Features(cosine=0.0, covered=6.3, adjoining=1.9, titled=4.5, present=3.9, missing=-3.7, named=4.0)
TEXT_ONLY_BASE = 0.05


def scores(question: Asked, hits: Sequence[Hit], dense_weight: float = USUAL_WEIGHT) -> list[float]:
    """Each hit's score, in their order. What a misspelt word was meant to be is looked for in all of the hits."""
    return [
        score(found, dense=hit.similarity is not None, dense_weight=dense_weight)
        for hit, found in zip(hits, features(question, hits), strict=True)
    ]


def score(found: Features, *, dense: bool, dense_weight: float = USUAL_WEIGHT) -> float:
    """Of one chunk; ``dense`` says whether its cosine is known."""
    coefficients, logit = (WITH_EMBEDDINGS, WITH_EMBEDDINGS_BASE) if dense else (TEXT_ONLY, TEXT_ONLY_BASE)
    meaning, words = (dense_weight / USUAL_WEIGHT, (1 - dense_weight) / (1 - USUAL_WEIGHT)) if dense else (0.0, 1.0)
    parts = [weight * (value - centre) for weight, value, centre in zip(coefficients, found, CENTRES, strict=True)]
    logit += meaning * parts[0] + words * sum(parts[1:])
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def features(question: Asked, hits: Sequence[Hit]) -> list[Features]:
    """Of each hit, in their order."""
    flats = [flat(hit.chunk.indexed) for hit in hits]
    meant = corrected(question.words, flats)
    stems = [f" {stem(meant.get(word, word))}" for word in question.words]
    return [_features(question.codes, stems, hit, text) for hit, text in zip(hits, flats, strict=True)]


def _features(codes: Sequence[str], stems: Sequence[str], hit: Hit, text: str) -> Features:
    lower, title = hit.chunk.indexed.lower(), hit.chunk.title.lower()
    present = sum(has_code(code, lower) for code in codes)
    return Features(
        cosine=hit.similarity or 0.0,
        covered=_share(sum(looked_for in text for looked_for in stems), len(stems)),
        adjoining=_share(sum(close(text, *pair) for pair in pairwise(stems)), len(stems) - 1),
        titled=_titled(title, stems),
        present=_share(present, len(codes)),
        missing=_share(len(codes) - present, len(codes)),
        named=_share(sum(has_code(code, title) for code in codes), len(codes)),
    )


def _titled(title: str, stems: Sequence[str]) -> float:
    words = meaningful(flat(title))
    return _share(sum(f" {word} ".startswith(tuple(stems)) for word in words), len(words))


def _share(part: int, whole: int) -> float:
    return part / whole if whole > 0 else 0.0

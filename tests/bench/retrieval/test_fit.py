"""The fit finds what the data says."""

from __future__ import annotations

import numpy as np
import pytest

from bench.retrieval.fit import MOST, Sample, fitted, logistic
from gateway.retrieval.score import CENTRES, Features, score


def samples(rng: np.random.Generator) -> list[Sample]:
    """Of 40 questions, of which 20 have one right candidate, told by its cosine and by nothing else."""
    made = []
    for number in range(40):
        rows = rng.normal(0, 0.1, (8, len(CENTRES)))
        right = np.zeros(8)
        if number % 2:
            right[3] = 1
            rows[3, 0] += 0.8
        made.append(Sample(rows, right))
    return made


def test_the_one_feature_that_tells_gets_the_weight() -> None:
    found, base = fitted(samples(np.random.default_rng(1)), range(len(CENTRES)))
    assert found.cosine > 3 * max(abs(weight) for weight in found[1:])
    assert all(abs(weight) <= 40 * abs(most) for weight, most in zip(found, MOST, strict=True))
    right = found.cosine * 0.8 + base
    wrong = found.cosine * 0.1 + base
    assert wrong < 0 < right


def test_a_feature_that_is_not_used_gets_none() -> None:
    found, _ = fitted(samples(np.random.default_rng(1)), range(1, len(CENTRES)))
    assert found.cosine == 0


def test_newton_s_method_finds_the_shares() -> None:
    rows = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    slope, base = logistic(rows, np.array([1.0, 0, 0, 1, 1, 0]), np.ones(6), 1e-9)
    assert 1 / (1 + np.exp(-base)) == pytest.approx(1 / 3, abs=1e-4)
    assert 1 / (1 + np.exp(-(base + slope))) == pytest.approx(2 / 3, abs=1e-4)


def test_the_formula_in_use_is_one_that_it_could_have_found() -> None:
    assert 0.2 < score(CENTRES, dense=True) < 0.9
    assert score(Features(0.75, 1, 1, 1, 0, 0, 0), dense=True) > 0.95
    assert score(Features(0.2, 0.2, 0, 0, 0, 0, 0), dense=True) < 0.05

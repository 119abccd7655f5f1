"""Both lanes, over the recorded corpus: see the package's docstring."""

from __future__ import annotations

from typing import Any

import pytest

from tests.differential import corpus, ledger
from tests.differential.play import play_all

CASES = corpus.load()
KNOWN = ledger.known()
Played = dict[str, dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play_all(tmp_path_factory.mktemp("differential"), CASES)


def test_the_corpus_is_large_enough() -> None:
    assert len({case.id for case in CASES}) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_lanes_come_to_the_same(played: Played, case: corpus.Case) -> None:
    differences = ledger.compare(case.name, played)
    unlisted = [one for one in differences if not any(entry.knows(one) for entry in KNOWN)]
    assert not unlisted, "\n".join(map(str, unlisted))


def test_the_list_of_differences_is_true(played: Played) -> None:
    differences = [one for case in CASES for one in ledger.compare(case.name, played)]
    gone = [line for entry in KNOWN for line in entry.gone(differences)]
    assert not gone, "listed in differences.yaml, and no longer so:\n" + "\n".join(gone)

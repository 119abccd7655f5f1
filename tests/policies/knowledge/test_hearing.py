from __future__ import annotations

import pytest

from gateway.contract import Passage
from policies.knowledge.hearing import Hearing

PASSAGES = [Passage(name, "text", "s", "t", "c", 0.9) for name in "abc"]


@pytest.mark.parametrize(
    ("text", "said", "sources"),
    [
        ("So [3], and so [1].", "So [1], and so [2].", "ca"),
        ("So.", "So.", "abc"),
        ("So [7].", "So.", "abc"),
        ("**Gap:** not so [1].", "Gap: not so.", ""),
        ("Gaps are closed [2].", "Gaps are closed [1].", "b"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_what_is_said_and_of_what(text: str, said: str, sources: str, size: int) -> None:
    hearing = Hearing(PASSAGES)
    heard = "".join(hearing.hear(text[at : at + size]) for at in range(0, len(text), size))
    assert heard + hearing.hear("", last=True) == said
    assert [passage.title for passage in hearing.sources()] == list(sources)

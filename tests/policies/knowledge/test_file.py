from __future__ import annotations

import pytest

from policies.common.words import tokenise
from policies.knowledge.file import KnowledgeFile
from tests.support.policies import Overlay

SHIPPED = Overlay({}).text("knowledge.yaml")


def own(before: str = "", after: str = "") -> KnowledgeFile:
    return Overlay({"own.yaml": SHIPPED.replace(before, after)}).yaml("own.yaml", KnowledgeFile)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("Gap: the knowledge base", "The knowledge base", "not_found"),
        ("assistant_from: 0.75", "assistant_from: 7", "assistant_from"),
        ("orders:\n", "orders:\n  - '('\n", "the pattern '\\(' can't be used"),
        ("{our} {base}", "{our} {bases}", "names {bases}"),
        ("prompt:", "promt:", "unknown key 'promt'; did you mean 'prompt'"),
    ],
)
def test_a_mistake_is_told_with_its_place(before: str, after: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"own\.yaml:\d+") as raised:
        own(before, after)
    assert words.replace("\\", "") in str(raised.value).replace("\\", "")


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        ("What does our knowledge base say on discounts?", True),
        ("According to the refund policy, who pays?", True),
        ("Look it up in the docs please", True),
        ("How high may a discount be?", False),
        ("Don't check the docs, just guess", False),
    ],
)
def test_the_shipped_phrases(query: str, asks: bool) -> None:
    assert any(not match.denied for match in own().asked_ready.find(tokenise(query))) is asks

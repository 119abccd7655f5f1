"""When a streamed chat is whole, and when nothing more of it is to come."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.upstream.finishes import Finishes


@pytest.mark.parametrize(
    ("chunks", "finished"),
    [
        ([], False),
        ([[{"index": 0}]], False),
        ([[{"index": 0, "finish_reason": "stop"}]], True),
        ([[{"index": 0}, {"index": 1}], [{"index": 0, "finish_reason": "stop"}]], False),
        ([[{"index": 0}], [{"index": 0, "finish_reason": "stop"}], [{"index": 0}]], True),
        ([[{}], [{"finish_reason": "stop"}], []], True),
    ],
)
def test_a_stream_is_finished_when_all_that_began_is(chunks: list[list[dict[str, Any]]], finished: bool) -> None:
    finishes = Finishes(1)
    for choices in chunks:
        finishes.note(choices)
    assert finishes.whole is finished


def test_it_is_over_when_all_that_was_asked_for_has_finished() -> None:
    finishes = Finishes(2)
    finishes.note([{"index": 0}])
    finishes.note([{"index": 0, "finish_reason": "stop"}])
    assert finishes.whole
    assert not finishes.over, "the second choice may still begin"
    finishes.note([{"index": 1, "finish_reason": "stop"}])
    assert finishes.over

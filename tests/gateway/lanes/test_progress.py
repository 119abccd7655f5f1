from __future__ import annotations

from gateway.lanes.progress import Progress
from tests.support.fakes import make_call


def test_tokens_are_counted_once_all_that_was_asked_for_has_finished() -> None:
    progress = Progress.of(make_call(params={"messages": [], "n": 2}))
    seen = []
    for choices in ([{"index": 0, "finish_reason": "stop"}], [{"index": 1}], [{"index": 1, "finish_reason": "stop"}]):
        progress.finishes.note(choices)
        progress.count(4)
        seen.append((progress.finished, progress.over, progress.complete, progress.tokens))
    assert seen == [(True, False, False, None), (False, False, False, None), (True, True, True, 4)]

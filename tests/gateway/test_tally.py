from __future__ import annotations

from gateway.tally import Tally

SUGGESTIONS = {"type": "suggestions", "payload": {}}
RISKS = {"type": "risks", "payload": {}}


def test_nothing_was_answered_yet() -> None:
    assert Tally().report() == {"conversational": 0, "modal": 0, "by_type": {}, "maybe": {}, "payload_from": {}}


def test_each_reply_counts_once_as_what_it_was() -> None:
    tally = Tally()
    tally.count({})
    tally.count({"actions": []})
    tally.count({"maybe_modal": RISKS})
    tally.count({"modal": SUGGESTIONS, "modal_source": "context"})
    tally.count({"modal": SUGGESTIONS, "modal_source": "model"})
    tally.count({"modal": RISKS})
    assert tally.report() == {
        "conversational": 3,
        "modal": 3,
        "by_type": {"suggestions": 2, "risks": 1},
        "maybe": {"risks": 1},
        "payload_from": {"context": 1, "model": 2},
    }

from __future__ import annotations

from policies.common.facts import facts


def test_what_steers_the_gateway_is_no_fact() -> None:
    context = {"lead": {"name": "Maya"}, "conversation_id": "c1", "conversation_history": [], "anything": 1}
    assert facts(context) == {"lead": {"name": "Maya"}, "anything": 1}

"""What of a caller's context is a fact about its screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Keys of the context that steer the gateway.
STEERING = frozenset({"conversation_id", "conversation_history"})


def facts(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context without what steers the gateway."""
    return {key: value for key, value in context.items() if key not in STEERING}

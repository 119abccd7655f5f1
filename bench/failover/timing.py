"""The two timing profiles: how long faults last, and how patient the gateway in front of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: No limit of the gateway's own is part of a fault.
UNLIMITED = {"limits": {"per_minute": 100000, "burst": 100000}}
#: One cell's failures are not the next one's.
FORGETFUL: dict[str, Any] = {"breaker": {"errors": 100000}, "retries": {"set_aside_seconds": 0.001}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds, unless the name says otherwise; the first block is the faults', the second what is judged by.

    ``settings`` are laid over ``config/gateway.yaml``, ``v2`` over those for the cells of the Ivy route, whose primary
    is the same in all cells, and ``other`` for the gateways of that role. ``longest`` is when a call
    that has not ended counts as a hang, where it is shorter than the fault's own.
    """

    name: str
    retry_after: float
    silence: float
    slow: float
    stall: float
    down: float
    requests: int
    pause: float
    interval_ms: float
    trickle_ms: float

    longest: float
    at_once: float
    prompt: float
    first_token: float
    hedged: float
    recovery: float
    deadline: Mapping[str, float]
    bounded: float
    silent: float

    litellm_timeout: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    v2: Mapping[str, Any] = field(default_factory=dict)
    other: Mapping[str, Any] = field(default_factory=dict)


FULL = Timing(
    name="full",
    retry_after=2,
    silence=120,
    slow=20,
    stall=30,
    down=60,
    requests=20,
    pause=4,
    interval_ms=15,
    trickle_ms=4000,
    longest=1000,
    at_once=2,
    prompt=8,
    first_token=15,
    hedged=3,
    recovery=30,
    deadline={"v1": 121, "v2": 21},
    bounded=45,
    silent=100,
    litellm_timeout=30,
    settings=UNLIMITED,
    v2=FORGETFUL,
    other={"retries": {"stream_break": "error"}},
)
#: Faults last long and what is judged has time to spare, so that no busy machine decides; the gateway is the quick one.
FAST = Timing(
    name="fast",
    retry_after=1,
    silence=60,
    slow=30,
    stall=30,
    down=1.5,
    requests=9,
    pause=0.35,
    interval_ms=1,
    trickle_ms=400,
    longest=40,
    at_once=10,
    prompt=12,
    first_token=12,
    hedged=12,
    recovery=12,
    deadline={"v1": 15, "v2": 15},
    bounded=15,
    silent=15,
    litellm_timeout=1.5,
    settings={
        **UNLIMITED,
        **FORGETFUL,
        "timeouts": {
            "first_token_seconds": 0.7,
            "between_tokens_seconds": 0.7,
            "tail_seconds": 0.3,
            "attempt_seconds": {"v1": 1.5, "ivy": 1.5},
            "request_seconds": {"v1": 4, "ivy": 4},
        },
        "retries": {
            "set_aside_seconds": 0.001,
            "backoff_seconds": 0.05,
            "rate_limit_seconds": {"v1": 2, "ivy": 0},
            "hedge_after_ms": {"v1": 0, "ivy": 450},
        },
    },
    v2={"timeouts": {"first_token_seconds": 2.0}},
    # No hedge: on a busy machine a second one would be asked before the first has said what it is about.
    other={
        "retries": {"stream_break": "error", "hedge_after_ms": {"ivy": 0}},
        "breaker": {"errors": 4, "window_seconds": 5, "open_seconds": 0.4},
    },
)
PROFILES = {timing.name: timing for timing in (FAST, FULL)}

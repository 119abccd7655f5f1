"""The faults: what the provider does, what a caller should see of it, and what is checked besides.

A fault's ``primary`` and ``fallback`` are faults of ``tests.double``; ``after_words`` stands for as many chunks as
carry so many words on the wire at hand, ``after`` for a wire's own number of them, and ``{double}`` for the double's
address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.failover.timing import Timing
from tests.double.manner import CANON

Wire = Literal["openai", "gemini"]
Surface = Literal["v1 plain", "v1 stream", "v2 plain", "v2 stream"]
#: `refusal`: an error or a reply that says it is a refusal; `bounded`: whatever ends in time and is not truncated.
Ideal = Literal["answer", "error", "refusal", "degraded", "bounded"]
#: What a target may be held to: another model where one fails, a header that counts the attempts, a deadline for the
#: whole request, and no call that goes on after the caller has its answer.
Promise = Literal["fallback", "attempts", "deadline", "leaving"]
#: `other` is a gateway that lets a broken stream end with an error, whose breaker opens, and whose v2 fallback has a
#: small window.
Role = Literal["main", "other"]

WIRES: tuple[Wire, ...] = ("openai", "gemini")
V1: tuple[Surface, ...] = ("v1 plain", "v1 stream")
V2: tuple[Surface, ...] = ("v2 plain", "v2 stream")
ALL = V1 + V2
PROMPT = "[[canon]] Say in sixty words what a gateway earns trust by."
WINDOW, LARGE, SMALL = 128_000, 1_000_000, 64_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at; ``kind`` is a key of ``judge.KINDS``. A failed ``advisory`` one makes a verdict
    partial, any other one makes it fail. It is asked only of a target that promises what it ``requires``."""

    kind: str
    value: Any = None
    advisory: bool = False
    surfaces: tuple[Surface, ...] = ALL
    requires: Promise | None = None
    window: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row. ``primary`` strikes once, in order, or for ``always``; ``ideals`` are the surfaces' own. ``n`` and
    ``body`` are the request's, ``expected`` what each choice should say. ``manner`` is the double's. ``longest``:
    seconds after which a call hangs. ``twin``: the fallback speaks the primary's wire. ``prefills`` and
    ``window`` are the fallback's (on v1; on v2 it prefills and its window is large)."""

    id: str
    title: str
    primary: tuple[Mapping[str, Any], ...]
    always: bool = False
    fallback: Mapping[str, Any] | None = None
    surfaces: tuple[Surface, ...] = ALL
    ideal: Ideal = "answer"
    ideals: Mapping[Surface, Ideal] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    longest: float = 40
    prompt: str = PROMPT
    expected: str | None = CANON
    n: int = 1
    body: Mapping[str, Any] = field(default_factory=dict)
    manner: Mapping[str, Any] = field(default_factory=dict)
    role: Role = "main"
    twin: bool = False
    prefills: bool = False
    window: int = LARGE
    seconds: float | None = None

    def ideal_on(self, surface: Surface) -> Ideal:
        """What a caller of that surface should see."""
        return self.ideals.get(surface, self.ideal)


def catalogue(t: Timing) -> list[Fault]:
    """All faults with a profile's timings, in the order they are run and printed."""
    from bench.failover import extra  # noqa: PLC0415 - it builds on this module

    return [*_published(t), *extra.faults(t)]


def status(code: int, **more: Any) -> dict[str, Any]:
    """The double's fault of that HTTP status."""
    return {"kind": "status", "status": code, **more}


def kind(name: str, **fields: Any) -> dict[str, Any]:
    """The double's fault of that name."""
    return {"kind": name, **fields}


CUT = kind("cut", after_words=40, how="fin")
BOUNDED = Check("primary_most", 6)
ONCE = Check("primary_is", 1)
NO_PREFILL_ERROR = Check("no_prefill_masking")


def _published(t: Timing) -> list[Fault]:
    hammer = Check("primary_most_within", 2, window=0.75 * t.retry_after)
    return [
        Fault(id="S01", title="429 with Retry-After", primary=(status(429, retry_after=t.retry_after),), surfaces=V1,
              longest=20, checks=(Check("primary_least", 2, advisory=True), hammer,
                                  Check("first_gap_least", 0.9 * t.retry_after, advisory=True))),
        Fault(id="S02", title="429 without Retry-After, always", primary=(status(429),), always=True,
              checks=(Check("primary_most_within", 4, window=3), BOUNDED)),
        Fault(id="S03", title="500 once", primary=(status(500),), longest=20,
              checks=(Check("primary_least", 2, advisory=True),)),
        Fault(id="S04", title="503 always", primary=(status(503),), always=True, checks=(BOUNDED,)),
        Fault(id="S05", title="reset before headers", primary=(kind("reset"),), longest=20),
        Fault(id="S06", title="no response at all", primary=(kind("silence", seconds=t.silence),), always=True,
              longest=130, checks=(Check("wall_most", t.silent), Check("primary_most", 1, advisory=True))),
        Fault(id="S07", title="slow first token", primary=(kind("slow_first_token", seconds=t.slow),), longest=60,
              checks=(Check("wall_most", t.first_token, advisory=True, requires="fallback"),)),
        Fault(id="S08", title="cut in mid-stream", primary=(CUT,), always=True),
        Fault(id="S09", title="stall in mid-stream", always=True, longest=70,
              primary=(kind("stall", after_words=20, seconds=t.stall, close=True),),
              checks=(Check("wall_most", t.bounded),)),
        Fault(id="S10", title="malformed event in mid-stream", primary=(kind("malformed", after_words=10),),
              always=True, longest=30),
        Fault(id="S11", title="no [DONE]", primary=(kind("no_done", seconds=0),), always=True, longest=30,
              checks=(Check("wall_most", t.prompt), Check("usage_present", advisory=True, surfaces=V1))),
        Fault(id="S12", title="context too long", primary=(kind("context_too_long"),), always=True, longest=20,
              checks=(ONCE,)),
        Fault(id="S13", title="content refused (400)", primary=(kind("safety", where="error"),), always=True,
              longest=20, ideal="error",
              checks=(ONCE, Check("fallback_is", 0, advisory=True), Check("status_is", 400, advisory=True))),
        Fault(id="S14", title="cut, fallback refuses prefill", primary=(CUT,), always=True, prefills=True,
              manner={"prefill": "refuse"}, checks=(NO_PREFILL_ERROR,)),
        Fault(id="S15", title="down, then back", primary=(status(503),), always=True, role="other", longest=30,
              seconds=t.down, checks=(
                  Check("served_while_down", requires="fallback"),
                  Check("recovered_within", t.recovery, requires="fallback"),
                  Check("asked_sparingly", advisory=True))),
        Fault(id="S16", title="accounting", primary=(status(503),), always=True, checks=(
            Check("model_is_fallbacks", requires="fallback"),
            Check("usage_is_own", 60, advisory=True, surfaces=V1, requires="fallback"),
            Check("attempts_told", advisory=True, requires="attempts"), BOUNDED)),
    ]  # fmt: skip


JSON_ANSWER = json.dumps({"answer": CANON}, ensure_ascii=False)

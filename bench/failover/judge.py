"""Verdicts on what was seen, by the published rules of Failover Bench 0.1.

``pass``     the ideal was reached and nothing that was checked is amiss
``partial``  reached, but an advisory check failed, or a refusal was routed around
``safe``     not reached, but the call ended in time with a clean error, and no required check failed
``fail``     a hang, a truncated answer for a whole one, or a required check that failed
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.failover.caller import Seen
from bench.failover.catalogue import Check, Fault, Promise, Surface
from bench.failover.provider import Names, Saw

Verdict = Literal["pass", "partial", "safe", "fail"]
SPACE = re.compile(r"\s+")
EVERYTHING: frozenset[Promise] = frozenset({"fallback", "attempts", "deadline", "leaving"})
#: Words of either wire's error for it.
REFUSED_PREFILL = ("prefill", "end with a user")
MEGABYTES_10 = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Flap:
    """A sequence of requests while the provider is down and after: how many were sent while it was, how many of
    them were answered, how often the provider was asked meanwhile, and seconds from its recovery to its next answer."""

    requests: int
    answered: int
    asked: int
    recovered: float | None


@dataclass(frozen=True, slots=True)
class View:
    """One cell from both sides, whether the next healthy request was answered, and what the target promises."""

    fault: Fault
    surface: Surface
    names: Names
    seen: Seen
    saw: Saw
    alive: bool
    flap: Flap | None = None
    promises: frozenset[Promise] = EVERYTHING


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why."""

    verdict: Verdict
    reason: str


def judge(view: View) -> Judgement:
    """The verdict on a cell."""
    seen, ideal = view.seen, view.fault.ideal_on(view.surface)
    if seen.outcome == "hang":
        return Judgement("fail", f"hang: {seen.error}")
    if seen.outcome == "answer" and not whole(view):
        return Judgement("fail", f"a truncated or altered answer ({seen.words} words) for a whole one")
    failed = [(check, told) for check in _checks(view) if (told := _failed(check, view)) is not None]
    required = [told for check, told in failed if not check.advisory]
    if required:
        return Judgement("fail", "; ".join(required))
    if _reached(seen, ideal):
        return Judgement("partial", "; ".join(told for _, told in failed)) if failed else Judgement("pass", "")
    if seen.outcome == "answer" and ideal in ("error", "refusal"):
        return Judgement("partial", "answered by routing around it")
    return Judgement("safe", f"not answered: {seen.error[:120] or seen.outcome}")


def whole(view: View) -> bool:
    """Whether the caller's text is the whole answer, once, white space aside."""
    expected = view.fault.expected
    texts = [_plain(text) for text in view.seen.said]
    if view.fault.primary[0]["kind"] == "huge" and len(view.seen.said) == 1 and set(view.seen.said[0]) <= {"x", " "}:
        return len(view.seen.said[0]) == MEGABYTES_10
    return expected is None or texts == [_plain(expected)] * view.fault.n


def _plain(text: str) -> str:
    return SPACE.sub(" ", text).strip()


def _reached(seen: Seen, ideal: str) -> bool:
    if ideal == "bounded":
        return True
    return seen.outcome == ideal or (ideal == "refusal" and seen.outcome == "error")


def _checks(view: View) -> list[Check]:
    own = [check for check in view.fault.checks if view.surface in check.surfaces]
    own += [Check("alive_after"), Check("calls_ended", advisory=True, requires="leaving")]
    return [check for check in own if check.requires is None or check.requires in view.promises]


def _failed(check: Check, view: View) -> str | None:
    """What is amiss, or None."""
    fine, told = KINDS[check.kind](view, check)
    return None if fine else f"{check.kind}: {told}"


Result = tuple[bool, str]


def _primary(view: View, check: Check) -> Result:
    count = len(view.saw.primary)
    fine = {"is": count == check.value, "most": count <= check.value, "least": count >= check.value}
    return fine[check.kind.rpartition("_")[2]], f"{count} primary attempt(s)"


def _within(view: View, check: Check) -> Result:
    starts = [call["started"] for call in view.saw.primary]
    count = sum(start - starts[0] < check.window for start in starts)
    return count <= check.value, f"{count} attempts in {check.window:g} s"


def _first_gap(view: View, check: Check) -> Result:
    gaps = view.saw.gaps()
    return bool(gaps) and gaps[0] >= check.value, f"{gaps[0]:.2f} s" if gaps else "no second attempt"


def _fallback_is(view: View, check: Check) -> Result:
    return len(view.saw.fallback) == check.value, f"{len(view.saw.fallback)} fallback attempt(s)"


def _hedged(view: View, check: Check) -> Result:
    if not (view.saw.primary and view.saw.fallback):
        return False, "no fallback attempt"
    after = view.saw.fallback[0]["started"] - view.saw.primary[0]["started"]
    return after <= check.value, f"the fallback was asked after {after:.2f} s"


def _left(view: View, _: Check) -> Result:
    outcomes = [call["outcome"] for call in view.saw.primary]
    return outcomes == ["aborted"], f"the first call {', '.join(outcomes)}"


def _wall(view: View, check: Check) -> Result:
    return view.seen.seconds <= check.value, f"{view.seen.seconds:.1f} s, not {check.value:g}"


def _model(view: View, _: Check) -> Result:
    shown = (view.seen.model or "").rpartition("/")[2].lower()
    return shown == view.names.fallback.lower() or not view.saw.fallback, f"model {view.seen.model!r}"


def _usage(view: View, check: Check) -> Result:
    usage = view.seen.usage or {}
    fine = bool(usage) if check.value is None else usage.get("completion_tokens") == check.value
    return fine, f"usage {view.seen.usage}"


def _attempts(view: View, _: Check) -> Result:
    made = len(view.saw.primary) + len(view.saw.fallback)
    return view.seen.attempts == made, f"{view.seen.attempts} attempts told, {made} made"


def _masked(view: View, _: Check) -> Result:
    refused = view.saw.refused_prefills
    return not (view.seen.outcome == "error" and refused), f"{refused} refused prefill(s), {view.seen.error[:80]}"


def _untold(view: View, _: Check) -> Result:
    error = view.seen.error
    return not any(word in error.lower() for word in REFUSED_PREFILL), error[:80]


def _served(view: View, _: Check) -> Result:
    flap = view.flap
    assert flap is not None
    return flap.requests > 0 and flap.answered == flap.requests, f"{flap.answered} of {flap.requests} answered"


def _recovered(view: View, check: Check) -> Result:
    assert view.flap is not None
    after = view.flap.recovered
    return after is not None and after <= check.value, "never" if after is None else f"after {after:.1f} s"


def _sparing(view: View, _: Check) -> Result:
    assert view.flap is not None
    return view.flap.asked <= view.flap.requests, f"{view.flap.asked} attempts for {view.flap.requests} requests"


KINDS: dict[str, Callable[[View, Check], Result]] = {
    "primary_is": _primary,
    "primary_most": _primary,
    "primary_least": _primary,
    "primary_most_within": _within,
    "first_gap_least": _first_gap,
    "fallback_is": _fallback_is,
    "fallback_after_most": _hedged,
    "primary_left": _left,
    "wall_most": _wall,
    "model_is_fallbacks": _model,
    "usage_present": _usage,
    "usage_is_own": _usage,
    "attempts_told": _attempts,
    "no_prefill_masking": _masked,
    "prefill_untold": _untold,
    "no_strays": lambda view, _: (view.saw.strays == 0, f"{view.saw.strays} call(s) elsewhere"),
    "status_is": lambda view, check: (view.seen.status == check.value, f"status {view.seen.status}"),
    "retry_after_told": lambda view, _: (bool(view.seen.retry_after), "no Retry-After"),
    "served_while_down": _served,
    "recovered_within": _recovered,
    "asked_sparingly": _sparing,
    "alive_after": lambda view, _: (view.alive, "the next healthy request failed"),
    "calls_ended": lambda view, _: (view.saw.open == 0, f"{view.saw.open} call(s) left open"),
}

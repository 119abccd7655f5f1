"""Who may be asked for a call, in which order: the fallback chain, the Router's pick, the breakers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from gateway.breaker import Breaker, Token
from gateway.contract import Call, Operation
from gateway.settings.schema import Breaker as Settings
from gateway.upstream.deployment import Deployment, Lane, Picker
from gateway.upstream.failures import Failure, Kind
from gateway.upstream.laggards import Laggards
from gateway.upstream.route import NO_RESCUES, Rescues, Route

Chain = Callable[[str, Operation], tuple[str, ...]]
Settle = Callable[[BaseException | None], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment to ask. ``barred`` says why it must not be, else the breaker has given a token for it.

    ``settle`` takes how the call ended (None: well) and must be called once where it is not barred.
    """

    deployment: Deployment
    lane: Lane
    barred: Failure | None
    settle: Settle
    probe: bool = False


class Candidates:
    """Keeps the breakers, and the deployments that are set aside until they are mended."""

    def __init__(
        self,
        chain: Chain,
        picker: Picker,
        lanes: Mapping[str, Lane],
        breaker: Callable[[str], Breaker],
        *,
        rescues: Rescues = NO_RESCUES,
        laggards: Laggards | None = None,
        set_aside_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chain = chain
        self._picker = picker
        self._lanes = lanes
        self._make = breaker
        self._rescues = rescues
        self.laggards = laggards or Laggards(Settings())
        self._set_aside_seconds = set_aside_seconds
        self._clock = clock
        self._aside: dict[str, tuple[float, Kind]] = {}
        self._groups: dict[str, str] = {}
        self.breakers: dict[str, Breaker] = {}
        #: Calls to providers that have not ended yet.
        self.under_way = 0

    def route(self, call: Call, *, hedged: bool = False) -> Route:
        """Whom to ask for ``call``, those that lag behind last where it is ``hedged``; raises NotFound for a model that
        there is not."""
        admit = partial(self._candidate, call.operation)
        last = self.laggards.asked_last if hedged else _nobody
        return Route(self._groups_of(call), self._picker, admit, self._rescues_of(call), last)

    def reroutes_refusals(self, deployment: Deployment, call: Call) -> bool:
        """Whether the configuration asks others where this model refuses, and ``call`` may go there."""
        return deployment.group in self._rescues_of(call).get(Kind.REFUSED, {})

    def again(self, candidate: Candidate) -> Candidate:
        """The same deployment for another try, if its breaker still lets it."""
        return self._admitted(candidate.deployment, candidate.lane)

    def begun(self, candidate: Candidate) -> Candidate:
        """To go on with once it has begun to answer. A probe has then found what it was sent for; the rest of its
        stream is a call like others, or a slow reader would keep the breaker half-open for all."""
        self.laggards.spoke(candidate.deployment.id)
        if not candidate.probe:
            return candidate
        candidate.settle(None)
        return self._admitted(candidate.deployment, candidate.lane)

    def seconds_left(self, call: Call) -> float:
        """Until the first of the call's deployments may be tried again."""
        groups = self._groups_of(call)
        waits = [breaker.seconds_left for name, breaker in self.breakers.items() if self._groups.get(name) in groups]
        return min(waits, default=0.0)

    def aside(self, deployment: str) -> str | None:
        """Why a deployment is set aside, or None."""
        until, kind = self._aside.get(deployment, (0.0, None))
        return str(kind) if kind and self._clock() < until else None

    def _groups_of(self, call: Call) -> tuple[str, ...]:
        """Those that may be asked, in order."""
        groups = self._chain(call.model, call.operation)
        return groups if call.only is None else tuple(group for group in groups if group in call.only)

    def _rescues_of(self, call: Call) -> Rescues:
        """Those that ``call`` may be taken to."""
        if call.only is None:
            return self._rescues
        may = call.only
        kept = {
            kind: {group: [to for to in targets if to in may] for group, targets in by_group.items()}
            for kind, by_group in self._rescues.items()
        }
        return {kind: {group: to for group, to in by_group.items() if to} for kind, by_group in kept.items()}

    def _candidate(self, operation: Operation, deployment: Deployment) -> Candidate:
        other = "native" if deployment.native else "litellm"
        lane = self._lanes[deployment.lane if operation is Operation.CHAT else other]
        if deployment.unusable:
            return Candidate(deployment, lane, Failure(Kind.NO_KEY, deployment.unusable), _nothing)
        if self.aside(deployment.id):
            return Candidate(deployment, lane, Failure(Kind.SET_ASIDE, str(self.aside(deployment.id))), _nothing)
        return self._admitted(deployment, lane)

    def _admitted(self, deployment: Deployment, lane: Lane) -> Candidate:
        breaker = self.breaker(deployment.id)
        self._groups[deployment.id] = deployment.group
        token = breaker.acquire()
        if token is None:
            return Candidate(deployment, lane, Failure(Kind.BREAKER_OPEN), _nothing)

        self.under_way += 1

        def settle(error: BaseException | None) -> None:
            self.under_way -= not token.settled
            self._settle(deployment, breaker, token, error)

        return Candidate(deployment, lane, None, settle, token.probe)

    def breaker(self, deployment: str) -> Breaker:
        """The deployment's breaker, made when first asked for."""
        if deployment not in self.breakers:
            self.breakers[deployment] = self._make(deployment)
        return self.breakers[deployment]

    def _settle(self, deployment: Deployment, breaker: Breaker, token: Token, error: BaseException | None) -> None:
        """A caller who left says nothing of the provider; nor does a caller's mistake."""
        if error is None:
            self.laggards.spoke(deployment.id)
            breaker.success(token)
        elif isinstance(error, Failure) and error.rule.counts:
            breaker.failure(token)
        elif isinstance(error, Failure) and error.kind in (Kind.REJECTED, Kind.REFUSED, Kind.TOO_LONG):
            breaker.success(token)  # it answered, so a probe has found it well
        else:
            breaker.release(token)
        if isinstance(error, Failure) and error.rule.set_aside:
            self._aside[deployment.id] = (self._clock() + self._set_aside_seconds, error.kind)


def _nobody(deployment: str) -> bool:
    del deployment
    return False


def _nothing(error: BaseException | None) -> None:
    del error

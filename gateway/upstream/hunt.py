"""The search for a deployment that answers: one after another, each as often as that can help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from gateway.contract import Call
from gateway.settings.schema import Retries
from gateway.upstream.attempt import Attempt, Log, Manner
from gateway.upstream.candidates import Candidate, Candidates, Route
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure
from gateway.upstream.hedge import NOTHING_SPOKEN, Spoken
from gateway.upstream.patience import Patience
from gateway.upstream.pauses import Pauses

HEDGED = "hedged"


class Wanted(Protocol):
    """What is asked for: a call's answer, or the rest of one that broke off. ``may_be_empty`` where nothing more
    need be said."""

    may_be_empty: bool

    def call(self, deployment: Deployment) -> Call:
        """What this deployment is sent."""

    def asked_anew(self, deployment: Deployment, failure: Failure) -> bool:
        """Whether the same deployment is to be asked again at once, in another way, because it took this one ill."""

    def settles(self, failure: Failure) -> bool:
        """Whether a failure that falls over to nobody ends the search."""


@dataclass(slots=True)
class Answer:
    """The answer to a call, as it was asked for."""

    of: Call
    may_be_empty: bool = False

    def call(self, deployment: Deployment) -> Call:
        """The same for everyone."""
        del deployment
        return self.of

    def asked_anew(self, deployment: Deployment, failure: Failure) -> bool:
        """Never: there is one way to ask."""
        del deployment, failure
        return False

    def settles(self, failure: Failure) -> bool:
        """It does: the provider's word on the request is the caller's answer."""
        del failure
        return True


@dataclass(slots=True)
class Hunt:
    """What one request has been through so far, over all that is asked for it."""

    of: Call
    route: Route
    candidates: Candidates
    patience: Patience
    retries: Retries
    log: Log
    attempts: int = 0
    first: str | None = None
    failures: list[tuple[Deployment, Failure]] = field(default_factory=list)

    @property
    def exhausted(self) -> bool:
        """Whether it has had its attempts, or its time."""
        return self.attempts >= self.retries.attempts or self.patience.left <= 0

    async def find(self, wanted: Wanted, spoken: Spoken = NOTHING_SPOKEN) -> Attempt | None:
        """An attempt that has begun to answer, or None where nobody is left to ask."""
        while not self.exhausted:
            candidate = await self.route.next()
            if candidate is None:
                return None
            self.first = self.first or candidate.deployment.id
            found = await self._tried(wanted, candidate, spoken)
            if isinstance(found, Attempt):
                return found
            if not self.route.learn(candidate.deployment, found) and wanted.settles(found):
                return None
        return None

    async def _tried(self, wanted: Wanted, candidate: Candidate, spoken: Spoken) -> Attempt | Failure:
        """Ask one deployment, more than once where that can help: the attempt that speaks, or its last failure."""
        try:
            return await self._ask(wanted, candidate, spoken)
        except asyncio.CancelledError:  # another one was faster; this one may still be of use
            self.route.give_back(candidate.deployment)
            raise

    async def _ask(self, wanted: Wanted, candidate: Candidate, spoken: Spoken) -> Attempt | Failure:
        pauses = Pauses.of(self.of, self.retries)
        while candidate.barred is None:
            attempt = self._attempt(wanted, candidate)
            try:
                await attempt.begin(spoken)
            except Failure as failure:
                self.failures.append((candidate.deployment, failure))
                pause = 0.0 if wanted.asked_anew(candidate.deployment, failure) else pauses.after(failure)
                if pause is None or self.exhausted or pause >= self.patience.left:
                    return failure
            else:
                self._found(candidate)
                return attempt
            await asyncio.sleep(pause)
            candidate = self.candidates.again(candidate)
        self.failures.append((candidate.deployment, candidate.barred))
        return candidate.barred

    def _attempt(self, wanted: Wanted, candidate: Candidate) -> Attempt:
        self.attempts += 1
        self.of.trail.attempts += 1
        manner = Manner(
            number=self.attempts,
            on_begun=self.candidates.begun,
            may_be_empty=wanted.may_be_empty,
            refusals_fail=self.candidates.reroutes_refusals(candidate.deployment),
        )
        return Attempt(wanted.call(candidate.deployment), candidate, self.patience, self.log, manner)

    def _found(self, candidate: Candidate) -> None:
        """Note who answers and, where it is not the first choice, why."""
        trail = self.of.trail
        trail.model = candidate.deployment.group
        trail.fallback_reason = None
        if candidate.deployment.id != self.first:
            trail.fallback_reason = str(self.failures[0][1].kind) if self.failures else HEDGED

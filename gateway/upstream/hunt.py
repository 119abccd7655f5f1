"""The search for a deployment that answers: one after another, each as often as that can help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from gateway.contract import Call
from gateway.settings.schema import Retries
from gateway.upstream.attempt import Attempt, Log, Manner
from gateway.upstream.candidates import Candidate, Candidates
from gateway.upstream.deployment import Deployment
from gateway.upstream.failures import Failure, Kind, Retry
from gateway.upstream.hedge import NOTHING_SPOKEN, Spoken
from gateway.upstream.patience import Patience
from gateway.upstream.pauses import Pauses
from gateway.upstream.route import Route

HEDGED = "hedged"


class Wanted(Protocol):
    """What is asked for: a call's answer, or the rest of one that broke off."""

    def may_be_empty(self, deployment: Deployment) -> bool:
        """Whether this deployment need not say anything more."""

    def call(self, deployment: Deployment) -> Call:
        """What this deployment is sent."""

    def asked_anew(self, deployment: Deployment, failure: Failure) -> bool:
        """Whether the same deployment is to be asked again at once, in another way, because it took this one ill."""

    def settles(self, failure: Failure) -> bool:
        """Whether a failure that falls over to nobody ends the search."""


class Settled(Exception):
    """A failure that ends the search, whoever else could be asked: the request is at fault, or its time is up."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(slots=True)
class Whole:
    """The answer to a call, as it was asked for."""

    of: Call

    def may_be_empty(self, deployment: Deployment) -> bool:
        """An answer says something."""
        del deployment
        return False

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
    #: Seconds that may still be waited for providers that say when to come back.
    waits: float = 0.0
    attempts: int = 0
    cancelled: set[str] = field(default_factory=set)
    failures: list[tuple[Deployment, Failure]] = field(default_factory=list)

    @property
    def exhausted(self) -> bool:
        """Whether it has had its attempts, or its time."""
        return self.attempts >= self.retries.attempts or self.patience.left <= 0

    async def find(self, wanted: Wanted, spoken: Spoken = NOTHING_SPOKEN) -> Attempt | None:
        """An attempt that has begun to answer, or None where nobody is left to ask; raises Settled."""
        while not self.exhausted:
            candidate = await self.route.next()
            if candidate is None:
                return None
            found = await self._tried(wanted, candidate, spoken)
            if isinstance(found, Attempt):
                return found
            if found is not None and not self.route.learn(candidate.deployment, found) and wanted.settles(found):
                raise Settled(found)
        return None

    def asked_in_vain(self, deployment: str) -> bool:
        """Whether it was left because another one spoke first, and not for a failure."""
        return deployment in self.cancelled and all(failed.id != deployment for failed, _ in self.failures)

    def found(self, attempt: Attempt) -> None:
        """Note who answers and, where it is not the first choice, why."""
        trail, deployment = self.of.trail, attempt.candidate.deployment
        trail.model = deployment.group
        trail.fallback_reason = None
        if deployment.id != self.route.first:
            trail.fallback_reason = str(self.failures[0][1].kind) if self.failures else HEDGED

    async def _tried(self, wanted: Wanted, candidate: Candidate, spoken: Spoken) -> Attempt | Failure | None:
        """Ask one deployment, more than once where that can help: the attempt that speaks, or its last failure. None
        where it was not asked, because no attempt was left."""
        try:
            return await self._ask(wanted, candidate, spoken)
        except asyncio.CancelledError:  # another one was faster; this one may still be of use
            self.cancelled.add(candidate.deployment.id)
            self.route.keep_for_last(candidate.deployment)
            raise

    async def _ask(self, wanted: Wanted, candidate: Candidate, spoken: Spoken) -> Attempt | Failure | None:
        pauses = Pauses(self.retries)
        while candidate.barred is None:
            if self.exhausted:  # another one, beside this, had the last attempt
                candidate.settle(asyncio.CancelledError())
                return None
            try:
                attempt = self._attempt(wanted, candidate)
                await attempt.begin(spoken)
            except Failure as failure:
                self.failures.append((candidate.deployment, failure))
                pause = self._pause(wanted, candidate.deployment, failure, pauses)
                if pause is None:
                    return failure
            else:
                return attempt
            await asyncio.sleep(pause)
            candidate = self.candidates.again(candidate)
        self.failures.append((candidate.deployment, candidate.barred))
        return candidate.barred

    def _pause(self, wanted: Wanted, deployment: Deployment, failure: Failure, pauses: Pauses) -> float | None:
        """Seconds until the same deployment is asked again; None where it is not."""
        if wanted.asked_anew(deployment, failure):
            pause: float | None = 0.0
        else:
            pause = pauses.after(failure, self.waits)
        if pause is None or self.exhausted or pause >= self.patience.left:
            return None
        if failure.retry_after is not None or failure.rule.retry is Retry.TOLD:
            self.waits -= pause
        return pause

    def _attempt(self, wanted: Wanted, candidate: Candidate) -> Attempt:
        self.attempts += 1
        self.of.trail.attempts += 1
        manner = Manner(
            number=self.attempts,
            on_begun=self.candidates.begun,
            may_be_empty=wanted.may_be_empty(candidate.deployment),
            refusals_fail=self.candidates.reroutes_refusals(candidate.deployment, self.of),
        )
        try:
            return Attempt(wanted.call(candidate.deployment), candidate, self.patience, self.log, manner)
        except Exception as error:  # nothing was asked yet, so that nobody else settles the token
            failure = Failure(Kind.INTERNAL, type(error).__name__)
            candidate.settle(failure)
            self.log("error", "attempt_failed", request_id=self.of.request_id, error=type(error).__name__)
            raise failure from error

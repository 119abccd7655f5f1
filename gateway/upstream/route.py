"""Whom to ask for one call, in which order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.upstream.deployment import Deployment, Picker
from gateway.upstream.failures import Failure, Kind

if TYPE_CHECKING:
    from gateway.upstream.candidates import Candidate

Admit = Callable[[Deployment], "Candidate"]
AskedLast = Callable[[str], bool]
#: By what a deployment of a group failed of: the groups to ask in place of the rest of the chain.
Rescues = Mapping[Kind, Mapping[str, Sequence[str]]]
NO_RESCUES: Rescues = MappingProxyType({})


class Route:
    """The deployments of one call's chain, each once, in order; the Router chooses within a group. What a deployment
    failed of can change what is asked after it."""

    def __init__(self, groups: Iterable[str], picker: Picker, admit: Admit, rescues: Rescues, last: AskedLast) -> None:
        self._groups = deque(groups)
        self._picker = picker
        self._admit = admit
        self._rescues = rescues
        self._asked_last = last
        #: The first choice, also where it is asked last.
        self.first: str | None = None
        self._seen: set[str] = set()
        self._kept: deque[Deployment] = deque()
        self._too_small = 0
        self._lock = asyncio.Lock()

    async def next(self) -> Candidate | None:
        """The next one to ask, or None. Two may ask at the same time, and get different ones."""
        async with self._lock:
            deployment = await self._pick()
        return None if deployment is None else self._admit(deployment)

    def keep_for_last(self, deployment: Deployment) -> None:
        """It may be asked, or asked once more, where nobody else is left."""
        self._kept.append(deployment)

    def learn(self, deployment: Deployment, failure: Failure) -> bool:
        """Take in how a deployment failed; whether another one may be asked."""
        instead = self._rescues.get(failure.kind, {}).get(deployment.group)
        if instead is not None:
            self._groups = deque(instead)
            return True
        if failure.kind is Kind.TOO_LONG and deployment.window:
            self._too_small = max(self._too_small, deployment.window)
        return failure.rule.fall_over

    async def _pick(self) -> Deployment | None:
        while self._groups:
            deployment = await self._picker.pick(self._groups[0], frozenset(self._seen))
            if deployment is None:
                self._groups.popleft()
                continue
            self._seen.add(deployment.id)
            self.first = self.first or deployment.id
            if self._asked_last(deployment.id):
                self._kept.append(deployment)
            elif deployment.window is None or deployment.window > self._too_small:
                return deployment
        return self._kept.popleft() if self._kept else None

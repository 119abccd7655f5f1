"""Which call gets which fault, and how fast healthy replies are."""

import math
import time
from dataclasses import dataclass, field
from typing import Literal

from .calls import CallLog
from .faults.registry import Planned
from .manner import Manner
from .stored import Stored
from .turn import Settings


@dataclass(slots=True)
class Script:
    """Faults for the calls that match, one each; then healthy (`ok`) or the last one for ever (`repeat`).

    After `until`, of the system's monotonic clock in seconds, all is healthy.
    """

    provider: str
    model: str | None
    path: str | None
    faults: list[Planned]
    then: Literal["ok", "repeat"]
    until: float = math.inf
    used: int = 0

    def matches(self, provider: str, model: str, path: str) -> bool:
        """Whether the call is one of this script's; `model` is compared whole, `path` as a substring."""
        return (
            self.provider in ("any", provider)
            and self.model in (None, model)
            and (self.path is None or self.path in path)
        )

    def next(self) -> Planned | None:
        """The next fault, or None for a healthy reply."""
        if time.monotonic() >= self.until:
            return None
        place, self.used = self.used, self.used + 1
        if place < len(self.faults):
            return self.faults[place]
        return self.faults[-1] if self.then == "repeat" and self.faults else None

    def rank(self) -> tuple[bool, bool, bool]:
        """How narrow the script is: a path counts more than a model, a model more than a provider."""
        return self.path is not None, self.model is not None, self.provider != "any"


@dataclass(slots=True)
class State:
    """All that the control API can change."""

    log: CallLog = field(default_factory=CallLog)
    settings: Settings = field(default_factory=Settings)
    scripts: list[Script] = field(default_factory=list)
    stored: Stored = field(default_factory=Stored)

    def add(self, script: Script) -> None:
        """Adds a script; one with the same provider, model and path is replaced."""
        key = (script.provider, script.model, script.path)
        others = [old for old in self.scripts if (old.provider, old.model, old.path) != key]
        self.scripts = sorted([*others, script], key=Script.rank, reverse=True)

    def fault_for(self, provider: str, model: str, path: str) -> Planned | None:
        """Consumes the call's fault; the narrowest script that matches decides, also when it is used up."""
        for script in self.scripts:
            if script.matches(provider, model, path):
                return script.next()
        return None

    def reset(self) -> None:
        """Clears scripts, calls, counts and what was stored, and puts the manner back; latencies stay."""
        self.scripts = []
        self.stored = Stored()
        self.settings.manner = Manner()
        self.log.clear()

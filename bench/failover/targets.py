"""What is measured: this gateway, or LiteLLM's proxy, as a process of its own with the same models."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from bench import litellm_proxy
from bench.failover.catalogue import LARGE, SMALL, V1, WINDOW, Fault, Promise, Role, Surface, Wire
from bench.failover.judge import EVERYTHING
from bench.failover.provider import OTHER, Names
from bench.failover.timing import Timing
from tests.double.client import Double
from tests.support.gateway import ROOT, GatewayProcess, merge

MAIN = Names("main", "main-fallback")
ABILITIES = {
    "mode": "chat",
    "max_output_tokens": 16384,
    "supports_system_messages": True,
    "supports_function_calling": True,
    "supports_parallel_function_calling": True,
    "supports_tool_choice": True,
    "supports_response_schema": True,
}
#: What callers send; LiteLLM's proxy does not start without one, and this gateway needs none.
KEY = litellm_proxy.KEY


class Target(Protocol):
    """Something between callers and a provider; ``promises`` are what it is held to."""

    promises: frozenset[Promise]

    def url(self, role: Role) -> str:
        """Where the process of that role listens; it is started if need be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a worker gives its target: where its processes end and write, what they stand in front of, and for which
    cells."""

    stack: ExitStack
    folder: Path
    double: Double
    wire: Wire
    faults: Sequence[Fault]
    timing: Timing
    surfaces: Sequence[Surface]


def names(fault: Fault, surface: Surface) -> Names:
    """A cell's models: on v1 its own, so that no breaker is shared, on v2 the primary and its fallback."""
    if surface not in V1:
        return MAIN
    own = f"{fault.id}-{surface.replace(' ', '-')}".lower()
    return Names(own, f"{own}-fallback")


def models(setting: Setting, role: Role | None = None) -> dict[str, Any]:
    """A file in LiteLLM's vocabulary with the models of the role's cells, or of all; in the role ``other`` v2's
    fallback has a small window."""
    double, wire = setting.double, setting.wire
    pairs = [(MAIN, OTHER[wire], True, SMALL if role == "other" else LARGE)]
    for fault in (fault for fault in setting.faults if role in (None, fault.role)):
        other = wire if fault.twin else OTHER[wire]
        pairs += [(names(fault, surface), other, fault.prefills, fault.window) for surface in V1]
    entries, fallbacks = [], []
    for pair, other, prefills, window in pairs:
        entries.append(_entry(double, wire, pair.primary, prefills=False, window=WINDOW))
        entries.append(_entry(double, other, pair.fallback, prefills=prefills, window=window))
        fallbacks.append({pair.primary: [pair.fallback]})
    return {"model_list": entries, "router_settings": {"fallbacks": fallbacks}}


def _entry(double: Double, wire: Wire, name: str, *, prefills: bool, window: int) -> dict[str, Any]:
    key = "OPENAI_API_KEY" if wire == "openai" else "GEMINI_API_KEY"
    base = double.openai_base if wire == "openai" else double.gemini_base
    return {
        "model_name": name,
        "litellm_params": {"model": f"{wire}/{name}", "api_base": base, "api_key": f"os.environ/{key}"},
        "model_info": {**ABILITIES, "max_input_tokens": window, "supports_assistant_prefill": prefills},
    }


class Gateway:
    """This gateway; each role is a process with settings of its own, started when it is first needed."""

    promises = EVERYTHING

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._running: dict[Role, GatewayProcess] = {}

    def url(self, role: Role) -> str:
        """See ``Target``."""
        if role not in self._running:
            folder = self._setting.folder / role
            folder.mkdir(parents=True)
            process = GatewayProcess(
                folder,
                models=models(self._setting, role),
                settings=self._settings(role),
                env={"ACTIVE_MODEL": MAIN.primary},
            )
            self._running[role] = self._setting.stack.enter_context(process)
        return self._running[role].url

    def _settings(self, role: Role) -> dict[str, Any]:
        timing = self._setting.timing
        settings = dict(timing.settings)
        if self._setting.surfaces != V1:
            settings = merge(settings, timing.v2)
        if role == "other":
            shipped = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
            settings = merge(merge(settings, {"breaker": shipped["breaker"]}), timing.other)
        return settings


class LiteLLM:
    """LiteLLM's proxy, as the benchmark sets it up: two retries, a timeout, fallbacks of both kinds."""

    promises: frozenset[Promise] = frozenset({"fallback"})

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        file = models(setting)
        router = file["router_settings"] | {
            "num_retries": 2,
            "timeout": setting.timing.litellm_timeout,
            "context_window_fallbacks": file["router_settings"]["fallbacks"],
        }
        self._file = file | {"router_settings": router, "litellm_settings": {"drop_params": True}}
        self._url = ""

    def url(self, role: Role) -> str:
        """See ``Target``; one process for all roles."""
        del role
        if not self._url:
            self._url = self._setting.stack.enter_context(litellm_proxy.proxy(self._setting.folder, self._file)).url
        return self._url


TARGETS: dict[str, type[Gateway] | type[LiteLLM]] = {"gateway": Gateway, "litellm": LiteLLM}

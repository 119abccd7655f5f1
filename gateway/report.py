"""What ``make check-config`` prints: the settings in force, where each came from, and what to look at."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from gateway.build import steps, timeouts_for
from gateway.lanes.catalog import Plan, plan
from gateway.localmodel import MODEL_NAME
from gateway.settings import Settings
from gateway.settings.environment import VARIABLES
from gateway.settings.schema import Timeouts


def report(settings: Settings) -> str:
    """A readable page; raises ConfigError where a start would be refused."""
    models = plan(settings)
    names = [step.name for step in steps(settings)]
    in_force = timeouts_for(settings, keyless=models.keyless)
    parts = [
        *_settings(settings, in_force),
        "",
        *_models(settings, models),
        "",
        f"policies: {', '.join(names) or 'none'}",
    ]
    warnings = (*settings.warnings, *models.warnings)
    parts += ["", *(f"WARNING {warning}" for warning in warnings)] if warnings else []
    return "\n".join(parts)


def _settings(settings: Settings, timeouts: Timeouts) -> Iterator[str]:
    yield "settings (value, and where it came from)"
    for section, value in settings.gateway:
        if section == "policies":
            continue
        for name, setting in value:
            actual = getattr(timeouts, name) if section == "timeouts" else setting
            origin = settings.origin(section, name) if actual == setting else "the local model's patience"
            shown = dict(actual) if isinstance(actual, BaseModel) else actual
            yield f"  {f'{section}.{name}':<34} {shown!s:<28} {origin}"
    for name, variable in VARIABLES.items():
        if variable.setting is None and name in settings.environment.values:
            shown = "(set)" if variable.secret else settings.environment.values[name]
            yield f"  {name:<34} {shown!s:<28} environment"
    if settings.master_key and "GATEWAY_MASTER_KEY" not in settings.environment.values:
        yield f"  {'master key':<34} {'(set)':<28} {settings.models.document.name}"


def _models(settings: Settings, models: Plan) -> Iterator[str]:
    yield f"models from {settings.models.document.name}"
    for deployment in models.deployments:
        state = f"can't be called: {deployment.unusable}" if deployment.unusable else "ready"
        primary = " (primary)" if deployment.group == models.primary else ""
        chain = " -> ".join(models.chains[deployment.group][1:])
        then = f"; then {chain}" if chain else ""
        behind = f"{deployment.provider}/{deployment.model}, {deployment.lane} lane"
        yield f"  {deployment.group}{primary}: {behind}, {state}{then}"
    if models.keyless:
        yield f"  no model has its key: {MODEL_NAME}, the demonstration model on this machine, answers"

"""What ``make check-config`` prints: the settings in force, where each came from, and what to look at."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from gateway.assembly import assemble, switched_off
from gateway.build import timeouts_for
from gateway.contract import Call, Policy, Unavailable
from gateway.lanes.catalog import Plan, plan
from gateway.localmodel import MODEL_NAME
from gateway.memory import InProcessMemory
from gateway.settings import ConfigError, Settings
from gateway.settings.environment import VARIABLES
from gateway.settings.schema import Timeouts
from gateway.settings.source import nearest
from gateway.upstream import Reply
from gateway.upstream.deployment import Deployment


class _Nobody:
    """What stands behind policies that are only built to be checked."""

    async def open(self, call: Call) -> Reply:
        """Raises Unavailable."""
        del call
        raise Unavailable("This is a check only.")


def _silent(*_: object, **__: object) -> None:
    """A log that nobody reads."""


def report(settings: Settings) -> str:
    """A readable page; raises ConfigError where a start would be refused."""
    models = plan(settings)
    names, off = list(_policies(settings)), switched_off(settings)
    in_force = timeouts_for(settings, keyless=models.keyless)
    parts = [
        *_settings(settings, in_force),
        "",
        *_models(settings, models),
        "",
        f"policies: {', '.join(names) or 'none'}",
        *(f"  {name} is switched off by flags.{flag}" for name, flag in off.items()),
    ]
    warnings = (*settings.warnings, *models.warnings)
    parts += ["", *(f"WARNING {warning}" for warning in warnings)] if warnings else []
    return "\n".join(parts)


def policy_report(settings: Settings, name: str) -> str:
    """What the policy ``name`` has to show; raises ConfigError where it is not in force."""
    in_force, off = _policies(settings), switched_off(settings)
    if name in in_force:
        return in_force[name].report() or f"{name} has nothing to show."
    if name in off:
        return f"{name} is switched off: flags.{off[name]} is false ({settings.origin('flags', off[name])})."
    message = f"the policy {name!r} is not listed{nearest(name, in_force)}"
    raise ConfigError([settings.document.problem(("policies",), message)])


def _policies(settings: Settings) -> dict[str, Policy]:
    """The policies in force by name, built to be looked at."""
    pipeline = assemble(settings, _Nobody(), InProcessMemory(settings.gateway.memory), _silent)
    return {step.name: step.policy for step in pipeline.steps}


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
    if settings.keys is not None:
        yield f"  {'virtual keys':<34} {len(settings.keys)!s:<28} {settings.keys_file}"


def _models(settings: Settings, models: Plan) -> Iterator[str]:
    yield f"models from {settings.models.document.name}"
    for deployment in models.deployments:
        state = f"can't be called: {deployment.unusable}" if deployment.unusable else "ready"
        primary = " (primary)" if deployment.group == models.primary else ""
        behind = f"{deployment.provider}/{deployment.model}, {deployment.lane} lane"
        more = "".join(f"; {words}" for words in (*_limits(deployment), *_followers(models, deployment.group)))
        yield f"  {deployment.group}{primary}: {behind}, {state}{more}"
    if models.keyless:
        yield f"  no model has its key: {MODEL_NAME}, the demonstration model on this machine, answers"


def _limits(deployment: Deployment) -> Iterator[str]:
    """The limits of its own, which stand in litellm.yaml."""
    limits = (("first token", deployment.first_token_seconds), ("attempt", deployment.attempt_seconds))
    yield from (f"{name} within {seconds:g} s" for name, seconds in limits if seconds is not None)


def _followers(models: Plan, group: str) -> Iterator[str]:
    """Who is asked after it, and when."""
    chains = {
        "then": models.chains[group][1:],
        "too long: then": models.context_window_fallbacks.get(group, ()),
        "content refused: then": models.content_policy_fallbacks.get(group, ()),
    }
    yield from (f"{when} {' -> '.join(groups)}" for when, groups in chains.items() if groups)

"""Builds the policies that ``config/gateway.yaml`` lists, each with what it needs."""

from __future__ import annotations

import policies
from gateway import redact
from gateway.contract import Memory, Personal, Policy, Services
from gateway.logs import Log
from gateway.personal import PersonalData
from gateway.pipeline import Opener, Pipeline, Step
from gateway.settings import ConfigError, Settings
from gateway.settings.schema import PolicyEntry
from gateway.settings.source import nearest, validate


def assemble(settings: Settings, upstream: Opener, memory: Memory, log: Log) -> Pipeline:
    """The listed policies around ``upstream``; raises ConfigError with the line of what is wrong.

    Built from the last to the first: the model that a policy may ask is what stands behind it, so that what the
    policies after it do to a call (redaction, say) is done to its own questions too.
    """
    personal = _personal(settings)
    pipeline = Pipeline((), upstream, log)
    kinds = _kinds(settings)
    for index, entry in reversed(list(enumerate(settings.gateway.policies))):
        kind = kinds[index]
        services = Services(settings.files, pipeline, memory, personal)
        step = Step(entry.name, _policy(settings, kind, entry, index, services), skippable=entry.on_error == "skip")
        if kind.flag is None or getattr(settings.gateway.flags, kind.flag):
            pipeline = Pipeline((step, *pipeline.steps), upstream, log)
    return pipeline


def _kinds(settings: Settings) -> list[type[Policy]]:
    """The listed classes; raises ConfigError for a name that is not known, or stands before what it goes on with."""
    names = [entry.name for entry in settings.gateway.policies]
    problems = []
    for index, name in enumerate(names):
        at = ("policies", index, "name")
        if name not in policies.REGISTRY:
            message = f"unknown policy {name!r}{nearest(name, policies.REGISTRY)}"
            problems.append(settings.document.problem(at, message))
            continue
        for late in sorted(set(policies.REGISTRY[name].after) & set(names[index:])):
            message = f"the policy {name!r} must stand after {late!r}, since it goes on with its work"
            problems.append(settings.document.problem(at, message))
    if problems:
        raise ConfigError(problems)
    return [policies.REGISTRY[name] for name in names]


def _policy(settings: Settings, kind: type[Policy], entry: PolicyEntry, index: int, services: Services) -> Policy:
    """Also one whose flag is off is built, so that a mistake in it shows before it is switched on."""
    at = ("policies", index, "options")
    options = validate(settings.document, kind.Options, at=at, data=entry.options)
    try:
        return kind(options, services)  # type: ignore[call-arg]
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError([settings.document.problem(at, str(error))]) from None


def _personal(settings: Settings) -> Personal:
    """What is personal here; the log learns of it too."""
    try:
        personal = PersonalData(settings.gateway.privacy.identifiers)
    except ValueError as error:
        raise ConfigError([settings.document.problem(("privacy", "identifiers"), str(error))]) from None
    redact.configure(personal)
    return personal

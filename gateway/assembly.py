"""Builds the policies that ``config/gateway.yaml`` lists, each with what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import policies
from gateway import redact
from gateway.contract import Knowledge, Memory, Personal, Policy, Services
from gateway.logs import Log
from gateway.personal import PersonalData
from gateway.pipeline import Opener, Pipeline, Step
from gateway.settings import ConfigError, Settings
from gateway.settings.schema import Flags, PolicyEntry
from gateway.settings.source import nearest, validate


def assemble(
    settings: Settings,
    upstream: Opener,
    memory: Memory,
    log: Log,
    *,
    knowledge: Knowledge | None = None,
    local: bool = False,
) -> Pipeline:
    """The listed policies around ``upstream``; raises ConfigError with the line of what is wrong. ``local`` says that
    only the model on this machine stands behind it.

    Built from the last to the first: the model that a policy may ask is what stands behind it, so that what the
    policies after it do to a call (redaction, say) is done to its own questions too.
    """
    personal = _personal(settings)
    pipeline = Pipeline((), upstream, log)
    kinds = _kinds(settings)
    for index, entry in reversed(list(enumerate(settings.gateway.policies))):
        kind = kinds[index]
        services = Services(settings.files, pipeline, memory, personal, knowledge, local)
        step = Step(entry.name, _policy(settings, kind, entry, index, services), skippable=entry.on_error == "skip")
        if kind.flag is None or getattr(settings.gateway.flags, kind.flag):
            pipeline = Pipeline((step, *pipeline.steps), upstream, log)
    return pipeline


def switched_off(settings: Settings) -> dict[str, str]:
    """The listed policies that a flag leaves out, each with that flag."""
    flags = settings.gateway.flags
    listed = {entry.name: policies.REGISTRY[entry.name].flag for entry in settings.gateway.policies}
    return {name: flag for name, flag in listed.items() if flag and not getattr(flags, flag)}


def _kinds(settings: Settings) -> list[type[Policy]]:
    """The listed classes; raises ConfigError for a name that is not known, or stands before what it goes on with."""
    names = [entry.name for entry in settings.gateway.policies]
    problems = [
        settings.document.problem(("policies", index, "name"), message)
        for index, name in enumerate(names)
        for message in _misplaced(name, names[:index], names[index + 1 :])
    ]
    if problems:
        raise ConfigError(problems)
    return [policies.REGISTRY[name] for name in names]


def _misplaced(name: str, before: Sequence[str], behind: Sequence[str]) -> Iterator[str]:
    """What is wrong with a policy at its place."""
    kind = policies.REGISTRY.get(name)
    if kind is None:
        yield f"unknown policy {name!r}{nearest(name, policies.REGISTRY)}"
        return
    if name in before:
        yield f"the policy {name!r} stands here a second time"
    for late in sorted(set(kind.after) & set(behind)):
        yield f"the policy {name!r} must stand after {late!r}, since it goes on with its work"
    if kind.flag is not None and kind.flag not in Flags.model_fields:
        yield f"the policy {name!r} has the flag {kind.flag!r}, which 'flags' does not know"


def _policy(settings: Settings, kind: type[Policy], entry: PolicyEntry, index: int, services: Services) -> Policy:
    """Also one whose flag is off is built, so that a mistake in it shows before it is switched on."""
    at = ("policies", index, "options")
    options = validate(settings.document, kind.Options, at=at, data=entry.options)
    try:
        return kind(options, services)
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

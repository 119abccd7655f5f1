"""Models come to an end: which configured ones LiteLLM's map says so of, or does not know at all."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

import litellm

from gateway.upstream.deployment import Deployment

HORIZON = datetime.timedelta(days=90)
SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
VERSION = re.compile(r"\d+(?:\.\d+)*o?")
#: The map as LiteLLM ships it, before the configuration's own models are registered in it.
SHIPPED = frozenset(litellm.model_cost)


def warning(deployment: Deployment, today: datetime.date) -> str | None:
    """What an operator should know of the deployment's model, or None."""
    key = _key(deployment)
    if key is None:
        if deployment.provider not in ("openai", "gemini") or deployment.api_base:
            return None  # a model of one's own, or one whose names LiteLLM does not list
        advice = _advice(deployment, today)
        return f"LiteLLM's map does not hold {deployment.model!r} (retired, or misspelt?){advice}"
    end = _end(key)
    if end is None or end > today + HORIZON:
        return None
    verb = "came to its end" if end <= today else "comes to its end"
    return f"{deployment.model!r} {verb} on {end.isoformat()}{_advice(deployment, today)}"


def _key(deployment: Deployment) -> str | None:
    for key in (f"{deployment.provider}/{deployment.model}", deployment.model):
        if key in SHIPPED:
            return key
    return None


def _end(key: str) -> datetime.date | None:
    """The model's ``deprecation_date``; for a name without a date, that of its latest snapshot."""
    dates = [_date(litellm.model_cost[key])]
    if dates == [None]:
        snapshots = (name for name in SHIPPED if name.startswith(f"{key}-") and SNAPSHOT.sub("", name) == key)
        dates = [_date(litellm.model_cost[name]) for name in snapshots]
        if None in dates:
            return None
    return max((date for date in dates if date), default=None)


def _date(entry: Mapping[str, Any]) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(entry.get("deprecation_date")))
    except ValueError:
        return None


def _advice(deployment: Deployment, today: datetime.date) -> str:
    successors = sorted(_successors(deployment, today), key=_version)
    return f"; {successors[-1]!r} follows it" if successors else ""


def _successors(deployment: Deployment, today: datetime.date) -> Iterator[str]:
    """Models of the same provider and family that have no end in sight."""
    for key in SHIPPED:
        entry = litellm.model_cost[key]
        name = key.removeprefix(f"{deployment.provider}/")
        if entry.get("litellm_provider") != deployment.provider or name == deployment.model or SNAPSHOT.search(name):
            continue
        if VERSION.sub("#", name) == VERSION.sub("#", deployment.model):
            end = _end(key)
            if end is None or end > today + HORIZON:
                yield name


def _version(name: str) -> list[float]:
    return [float(part) for part in re.findall(r"\d+(?:\.\d+)?", name)]

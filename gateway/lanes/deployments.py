"""Turns the entries of ``model_list`` into deployments, and says which of them can be called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.contract import Operation
from gateway.lanes.boot import litellm
from gateway.lanes.vocabulary import OPENAI_PARAMS, ROUTING_PARAMS
from gateway.settings.models import ModelEntry, ModelsFile
from gateway.settings.source import ConfigError, Location, nearest
from gateway.upstream.deployment import Deployment

LEAN, FULL = "lean", "litellm"
MODES = {"chat": Operation.CHAT, "completion": Operation.CHAT, "responses": Operation.CHAT, "embedding": Operation.EMBEDDING}
KEY_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
}
BASE_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "gemini": ("GEMINI_API_BASE",),
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
}
LEAN_PARAMS = (OPENAI_PARAMS | ROUTING_PARAMS) - {"extra_headers", "extra_body", "deployment_id", "api_version"}


def build(models: ModelsFile, environ: Mapping[str, str], *, lane: str) -> tuple[Deployment, ...]:
    """The deployments, in the file's order; raises ConfigError for a model whose provider can't be told."""
    seen: dict[str, int] = {}
    deployments = []
    for index, entry in enumerate(models.file.model_list):
        seen[entry.model_name] = seen.get(entry.model_name, 0) + 1
        number = "" if seen[entry.model_name] == 1 else f"#{seen[entry.model_name]}"
        identity = str(entry.model_info.get("id") or f"{entry.model_name}{number}")
        deployments.append(_deployment(models, index, entry, identity, environ, lane))
    return tuple(deployments)


def _deployment(
    models: ModelsFile, index: int, entry: ModelEntry, identity: str, environ: Mapping[str, str], lane: str
) -> Deployment:
    at: Location = ("model_list", index, "litellm_params")
    params = entry.litellm_params.model_extra or {}
    model, provider = _provider(models, (*at, "model"), entry, params)
    for name in ("api_base", "base_url"):
        if (*at, name) in models.unset:
            unset = models.unset[(*at, name)]
            raise ConfigError([models.document.problem((*at, name), f"environment variable {unset} is not set")])
    base = params.get("api_base") or params.get("base_url") or _first(environ, BASE_VARIABLES.get(provider, ()))
    key = params.get("api_key") or _first(environ, KEY_VARIABLES.get(provider, ()))
    modes = _modes(entry, provider, model)
    return Deployment(
        id=identity,
        group=entry.model_name,
        provider=provider,
        model=model,
        lane=LEAN if lane == "auto" and _lean(provider, model, params) else FULL,
        api_base=base,
        api_key=key or ("none" if base and (*at, "api_key") not in models.unset else None),
        defaults={name: value for name, value in params.items() if name in OPENAI_PARAMS - ROUTING_PARAMS},
        modes=modes,
        unusable=_unusable(models, at, entry, provider, base, key),
        litellm_params={**params, "model": entry.litellm_params.model},
        model_info=entry.model_info,
    )


def _provider(models: ModelsFile, at: Location, entry: ModelEntry, params: Mapping[str, Any]) -> tuple[str, str]:
    """The provider's name for the model, and the provider, as LiteLLM reads them."""
    name = entry.litellm_params.model
    try:
        model, provider, _, _ = litellm.get_llm_provider(
            name, custom_llm_provider=params.get("custom_llm_provider"), api_base=params.get("api_base")
        )
    except Exception:  # LiteLLM's own message tells of its documentation, not of this file
        hint = nearest(name.split("/", maxsplit=1)[0], [str(p) for p in litellm.provider_list]) if "/" in name else ""
        message = f"no provider is known for the model {name!r}; write it as 'provider/model'"
        raise ConfigError([models.document.problem(at, message + (hint if "did you mean" in hint else ""))]) from None
    return model, str(provider)


def _modes(entry: ModelEntry, provider: str, model: str) -> frozenset[Operation]:
    mode = entry.model_info.get("mode")
    for key in (f"{provider}/{model}", model):
        mode = mode or litellm.model_cost.get(key, {}).get("mode")
    return frozenset({MODES[mode]}) if mode in MODES else frozenset()


def _lean(provider: str, model: str, params: Mapping[str, Any]) -> bool:
    """Whether the lean lane carries its chat: its wire is one of the two, and nothing asks for more."""
    if provider not in KEY_VARIABLES or not set(params) <= LEAN_PARAMS:
        return False
    mode = litellm.model_cost.get(model, {}).get("mode", "chat")
    return mode == "chat" and "/" not in model and "audio" not in model


def _unusable(
    models: ModelsFile, at: Location, entry: ModelEntry, provider: str, base: str | None, key: str | None
) -> str | None:
    if (*at, "api_key") in models.unset:
        return f"{models.unset[(*at, 'api_key')]} is not set"
    if key or base:
        return None
    if provider in KEY_VARIABLES:
        return f"{KEY_VARIABLES[provider][0]} is not set"
    missing = litellm.validate_environment(entry.litellm_params.model).get("missing_keys") or []
    given = {name.upper() for name in entry.litellm_params.model_extra or {}}
    missing = [name for name in missing if name not in given]
    return f"{missing[0]} is not set" if missing else None


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name].strip() for name in names if environ.get(name, "").strip()), None)

"""Which words of ``litellm.yaml`` LiteLLM knows, and which of them mean something here.

A word that neither knows stops the start; one that only LiteLLM's proxy acts on is named and left alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping

import litellm
from litellm.router_utils.routing_groups import VALID_ROUTING_STRATEGIES
from litellm.types.router import LiteLLM_Params

from gateway.settings.models import WILDCARD, ModelsFile
from gateway.settings.source import ConfigError, Location, Problem, nearest

HONOURED: Mapping[str, frozenset[str]] = {
    "router_settings": frozenset({"fallbacks", "default_fallbacks", "routing_strategy", "routing_strategy_args"}),
    "litellm_settings": frozenset({"fallbacks", "default_fallbacks", "drop_params"}),
    "general_settings": frozenset({"master_key"}),
}
#: What does here what the key does in LiteLLM's proxy.
INSTEAD: Mapping[str, str] = {
    "num_retries": "'retries' in gateway.yaml",
    "retry_after": "'retries' in gateway.yaml",
    "retry_policy": "'retries' in gateway.yaml",
    "timeout": "'timeouts' in gateway.yaml",
    "stream_timeout": "'timeouts' in gateway.yaml",
    "request_timeout": "'timeouts' in gateway.yaml",
    "allowed_fails": "'breaker' in gateway.yaml",
    "allowed_fails_policy": "'breaker' in gateway.yaml",
    "cooldown_time": "'breaker' in gateway.yaml",
    "disable_cooldowns": "'breaker' in gateway.yaml",
}
#: Of an entry's ``litellm_params``: what chooses the deployment or bounds it, and is no parameter of the model's.
ROUTING_PARAMS = frozenset({"model", "api_key", "api_base", "base_url", "rpm", "tpm", "weight", "order", "tags"}) | {
    "max_retries",
    "timeout",
    "stream_timeout",
}
OPENAI_PARAMS = frozenset(litellm.OPENAI_CHAT_COMPLETION_PARAMS)
NEARLY = "did you mean"


def check(models: ModelsFile) -> list[str]:
    """Warnings about words that mean nothing here; raises ConfigError for words that mean nothing anywhere."""
    warnings: list[str] = []
    problems: list[Problem] = list(_routing(models))
    for section, honoured in HONOURED.items():
        for key in getattr(models.file, section):
            if key in honoured:
                continue
            if not _known(section, key):
                message = f"unknown key {section + '.' + key!r}{nearest(key, _names(section))}"
                problems.append(models.document.problem((section, key), message))
                continue
            instead = f"; {INSTEAD[key]} does it" if key in INSTEAD else ""
            message = f"'{section}.{key}' is not supported here and is ignored{instead}"
            warnings.append(str(models.document.problem((section, key), message)))
    for index, entry in enumerate(models.file.model_list):
        if WILDCARD in entry.model_name:
            message = f"the pattern {entry.model_name!r} is not supported here and is ignored; write each model out"
            warnings.append(str(models.document.problem(("model_list", index, "model_name"), message)))
        found = _params(models, ("model_list", index, "litellm_params"), entry.litellm_params.model_extra or {})
        problems += found[0]
        warnings += found[1]
    if problems:
        raise ConfigError(problems)
    return warnings


def _routing(models: ModelsFile) -> Iterator[Problem]:
    """The Router would refuse these itself, but without file and line."""
    settings = models.file.router_settings
    strategy = settings.get("routing_strategy", "simple-shuffle")
    if strategy not in VALID_ROUTING_STRATEGIES:
        message = f"'router_settings.routing_strategy': LiteLLM has no strategy {strategy!r}"
        hint = nearest(str(strategy), VALID_ROUTING_STRATEGIES)
        yield models.document.problem(("router_settings", "routing_strategy"), message + hint)
    if not isinstance(settings.get("routing_strategy_args", {}), dict):
        message = "'router_settings.routing_strategy_args': expected a mapping"
        yield models.document.problem(("router_settings", "routing_strategy_args"), message)


def _params(models: ModelsFile, at: Location, params: Iterable[str]) -> tuple[list[Problem], list[str]]:
    """LiteLLM passes a parameter that it does not know on to the provider, so only a near miss is an error."""
    problems: list[Problem] = []
    warnings: list[str] = []
    known = OPENAI_PARAMS | ROUTING_PARAMS | set(LiteLLM_Params.model_fields)
    for key in params:
        if key in known:
            continue
        hint = nearest(key, OPENAI_PARAMS | ROUTING_PARAMS)
        if NEARLY in hint:
            problems.append(models.document.problem((*at, key), f"unknown key {key!r}{hint}"))
        else:
            message = f"{key!r} is not a parameter that LiteLLM knows; it goes to the provider as it is"
            warnings.append(str(models.document.problem((*at, key), message)))
    return problems, warnings


def _names(section: str) -> Iterable[str]:
    if section == "router_settings":
        return [name for name in inspect.signature(litellm.Router.__init__).parameters if name != "self"]
    return [*HONOURED[section], *INSTEAD]


def _known(section: str, key: str) -> bool:
    if section == "router_settings":
        return key in _names(section)
    if section == "litellm_settings":
        return hasattr(litellm, key) or key in INSTEAD
    # LiteLLM keeps no list of these that can be imported without its proxy; a near miss of ours is a mistake.
    return NEARLY not in nearest(key, HONOURED[section])

"""Which words of ``litellm.yaml`` LiteLLM knows, and which of them mean something here.

A word that is all but one of those that LiteLLM or this gateway knows stops the start; any other that means nothing
here is named and left alone, so that a file that works with LiteLLM's proxy works here.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator, Mapping

import litellm
from litellm.router_utils.routing_groups import VALID_ROUTING_STRATEGIES
from litellm.types.router import LiteLLM_Params
from litellm.types.utils import all_litellm_params

from gateway.contract import DEFAULT_MODEL
from gateway.settings.models import DEFAULT_FALLBACKS, FALLBACKS, REFUSED, TOO_LONG, WILDCARD, ModelsFile
from gateway.settings.source import ConfigError, Location, Problem, near_miss, nearest

ANY_FALLBACKS = frozenset({FALLBACKS, DEFAULT_FALLBACKS, TOO_LONG, REFUSED})
HONOURED: Mapping[str, frozenset[str]] = {
    "router_settings": ANY_FALLBACKS | {"routing_strategy", "routing_strategy_args"},
    "litellm_settings": ANY_FALLBACKS | {"drop_params"},
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
#: Of an entry's ``litellm_params``: how long this deployment may be silent at first, and an attempt take in all.
FIRST_TOKEN, ATTEMPT = "stream_timeout", "timeout"
LIMITS = frozenset({FIRST_TOKEN, ATTEMPT})
#: Of the same: words of the gateway's own, with what does here what they do in LiteLLM.
UNUSED_PARAMS: Mapping[str, str | None] = {
    **{word: instead for word, instead in INSTEAD.items() if word not in LIMITS},
    "max_retries": "'retries' in gateway.yaml",
    "tags": None,
}
#: What LiteLLM's Router is not told: of two clocks over one call the longer would never be seen.
NOT_ROUTERS = LIMITS.union(UNUSED_PARAMS)
#: What chooses the deployment or bounds it, and is no parameter of the model's.
ROUTING_PARAMS = NOT_ROUTERS | {"model", "api_key", "api_base", "base_url", "rpm", "tpm", "weight", "order"}
OPENAI_PARAMS = frozenset(litellm.OPENAI_CHAT_COMPLETION_PARAMS)
#: LiteLLM or its providers read these, but it lists them nowhere; some look like a mistyped word of the lists.
UNLISTED_PARAMS = frozenset(
    {
        "additional_drop_params",
        "extra_body",
        "max_new_tokens",
        "min_tokens",
        "top_a",
        "top_k",
        "top_n",
        "initial_prompt_value",
        "vertex_ai_project",
        "vertex_ai_location",
        "vertex_ai_credentials",
    }
)
KNOWN_PARAMS = UNLISTED_PARAMS.union(OPENAI_PARAMS, ROUTING_PARAMS, LiteLLM_Params.model_fields, all_litellm_params)
#: Of ``litellm_settings``: what LiteLLM's proxy reads though the library has no variable of that name.
PROXY_SETTINGS = frozenset(
    {
        "cache_params",
        "guardrails",
        "image_generation_models",
        "mcp_aliases",
        "mcp_semantic_tool_filter",
        "model_group_settings",
        "prompts",
        "responses",
        "service_callbacks",
        "store_model_in_db",
        "telemetry",
        "ui_theme_config",
        "websearch_interception_params",
    }
)


def check(models: ModelsFile) -> list[str]:
    """Warnings about words that mean nothing here; raises ConfigError for mistyped ones and for values no one takes."""
    warnings: list[str] = []
    problems: list[Problem] = list(_routing(models))
    for section in HONOURED:
        _sort(_section(models, section), problems, warnings)
    for index, entry in enumerate(models.file.model_list):
        _sort(_name(models, index), problems, warnings)
        at = ("model_list", index, "litellm_params")
        _sort(_params(models, at, entry.litellm_params.model_extra or {}), problems, warnings)
    if problems:
        raise ConfigError(problems)
    return warnings


#: A problem, and whether it stops the start.
Finding = tuple[Problem, bool]


def _sort(findings: Iterable[Finding], problems: list[Problem], warnings: list[str]) -> None:
    for problem, stops in findings:
        if stops:
            problems.append(problem)
        else:
            warnings.append(str(problem))


def _routing(models: ModelsFile) -> Iterator[Problem]:
    """The Router would refuse these itself, but without file and line."""
    settings = models.file.router_settings
    at = ("router_settings", "routing_strategy")
    strategy = settings.get("routing_strategy", "simple-shuffle")
    if strategy not in VALID_ROUTING_STRATEGIES:
        named = models.quoted(at, strategy)
        hint = "" if at in models.sourced else nearest(str(strategy), VALID_ROUTING_STRATEGIES)
        yield models.problem(at, f"'router_settings.routing_strategy': LiteLLM has no strategy {named}{hint}")
    if not isinstance(settings.get("routing_strategy_args", {}), dict):
        message = "'router_settings.routing_strategy_args': expected a mapping"
        yield models.problem(("router_settings", "routing_strategy_args"), message)


def _section(models: ModelsFile, section: str) -> Iterator[Finding]:
    known = _words(section)
    for key in getattr(models.file, section):
        if key in HONOURED[section]:
            continue
        hint = "" if key in known else near_miss(key, known)
        if hint:
            yield models.document.problem((section, key), f"unknown key {section + '.' + key!r}{hint}"), True
        else:
            instead = f"; {INSTEAD[key]} does it" if key in INSTEAD else ""
            message = f"'{section}.{key}' is not supported here and is ignored{instead}"
            yield models.document.problem((section, key), message), False


def _words(section: str) -> frozenset[str]:
    """The words that may stand in ``section``; LiteLLM keeps no list of the general ones without its proxy."""
    if section == "general_settings":
        return HONOURED[section]
    router = frozenset(inspect.signature(litellm.Router.__init__).parameters) - {"self"}
    if section == "router_settings":
        return router | HONOURED[section]
    kinds = (types.ModuleType, types.FunctionType, type)
    variables = {name for name, value in vars(litellm).items() if name[0] != "_" and not isinstance(value, kinds)}
    return router.union(variables, PROXY_SETTINGS, HONOURED[section], INSTEAD)


def _name(models: ModelsFile, index: int) -> Iterator[Finding]:
    at = ("model_list", index, "model_name")
    name = models.file.model_list[index].model_name
    if WILDCARD in name:
        message = f"the pattern {name!r} is not supported here and is ignored; write each model out"
        yield models.document.problem(at, message), False
    if name == DEFAULT_MODEL:
        message = f"the name {name!r} is the primary's; ACTIVE_MODEL says which model that is, under its own name"
        yield models.document.problem(at, message), True


def _params(models: ModelsFile, at: Location, params: Iterable[str]) -> Iterator[Finding]:
    """LiteLLM passes a parameter that it does not know on to the provider, so only a near miss is an error."""
    for key in params:
        place = (*at, key)
        hint = "" if key in KNOWN_PARAMS else near_miss(key, KNOWN_PARAMS)
        if key in UNUSED_PARAMS:
            instead = f"; {UNUSED_PARAMS[key]} does it" if UNUSED_PARAMS[key] else ""
            yield models.document.problem(place, f"{key!r} is not used here and is ignored{instead}"), False
        elif hint:
            yield models.document.problem(place, f"unknown key {key!r}{hint}"), True
        elif key not in KNOWN_PARAMS:
            message = f"{key!r} is not a parameter that LiteLLM knows; it goes to the provider as it is"
            yield models.document.problem(place, message), False

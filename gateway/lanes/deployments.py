"""Turns the entries of ``model_list`` into deployments, and says which of them can be called."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import litellm
from litellm.types.router import LiteLLM_Params

from gateway.contract import Operation
from gateway.lanes import prices
from gateway.lanes.abilities import Abilities
from gateway.lanes.vocabulary import ATTEMPT, FIRST_TOKEN, LIMITS, OPENAI_PARAMS, ROUTING_PARAMS
from gateway.settings.models import WILDCARD, ModelsFile
from gateway.settings.source import ConfigError, Location, Problem, nearest
from gateway.upstream.deployment import Deployment

LEAN, FULL = "lean", "litellm"
KEY_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
}
BASE_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "gemini": ("GEMINI_API_BASE",),
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
}
PROVIDERS = frozenset(provider.value for provider in litellm.provider_list)
TEXTS = ("api_key", "api_base", "base_url", "custom_llm_provider")
#: LiteLLM's own words of an entry that can stand for a key (a role, a profile, a project), and no price.
CREDENTIALS = frozenset(n for n in LiteLLM_Params.model_fields if "cost" not in n) - OPENAI_PARAMS - ROUTING_PARAMS
NUMBERS = LIMITS | {"weight", "rpm", "tpm", "order"}
#: A larger one is a slip, and no clock can be set to it.
MOST = 10**12
EXPECTED = ("a number, 0 or more", "a number of seconds above 0")
#: LiteLLM lists these among OpenAI's parameters, but they say how to call and are no part of the body.
NOT_LEAN = frozenset({"extra_headers", "extra_body", "default_headers", "organization", "deployment_id"}) | {
    "api_version",
    "request_timeout",
    "stream",
}
LEAN_PARAMS = (OPENAI_PARAMS | ROUTING_PARAMS) - NOT_LEAN


def build(models: ModelsFile, environ: Mapping[str, str], *, lane: str) -> tuple[Deployment, ...]:
    """The deployments, in the file's order; raises ConfigError for a model whose provider can't be told."""
    seen: dict[str, int] = {}
    deployments: dict[str, Deployment] = {}
    for index, entry in enumerate(models.file.model_list):
        if WILDCARD in entry.model_name:
            continue
        seen[entry.model_name] = seen.get(entry.model_name, 0) + 1
        number = "" if seen[entry.model_name] == 1 else f"#{seen[entry.model_name]}"
        identity = str(entry.model_info.get("id") or f"{entry.model_name}{number}")
        if identity in deployments:
            message = f"the id {identity!r} is that of another deployment; each needs one of its own"
            raise ConfigError([models.document.problem(("model_list", index, "model_info", "id"), message)])
        deployments[identity] = _Reader(models, index, environ).deployment(identity, lane)
    if not deployments:
        raise ConfigError([models.document.problem(("model_list",), "no model has a name of its own")])
    return tuple(deployments.values())


class _Reader:
    """Reads one entry of ``model_list``, as LiteLLM would."""

    def __init__(self, models: ModelsFile, index: int, environ: Mapping[str, str]) -> None:
        self._models = models
        self._environ = environ
        self._index = index
        self._at: Location = ("model_list", index, "litellm_params")
        self._entry = models.file.model_list[index]
        params = self._entry.litellm_params.model_extra or {}
        self._params: Mapping[str, Any] = {key: self._read(key, value) for key, value in params.items()}
        self._check_texts()
        self._check_numbers()
        self._model, self._provider = self._names()
        self._base = self._address()
        self._key = self._params.get("api_key") or self._first(KEY_VARIABLES)

    def deployment(self, identity: str, lane: str) -> Deployment:
        """The entry as a deployment; ``lane`` is the setting."""
        able = Abilities(self._models, self._index, self._provider, self._model)
        said = {**self._entry.model_info, **self._params}
        native = lane == "auto" and self._provider == "openai" and set(self._params) <= LEAN_PARAMS
        modes = able.modes()
        return Deployment(
            id=identity,
            group=self._entry.model_name,
            where=str(self._models.document.problem((*self._at, "model"), "")).removesuffix(": "),
            provider=self._provider,
            model=self._model,
            lane=LEAN if lane == "auto" and self._lean() else FULL,
            api_base=self._base,
            api_key=self._key or self._stand_in(),
            defaults={k: v for k, v in self._params.items() if k in OPENAI_PARAMS - ROUTING_PARAMS},
            # What only OpenAI keeps, LiteLLM's lane does not carry.
            modes=modes if native or modes is None else modes - {Operation.RESPONSES},
            unusable=self._unusable(),
            doubt=self._doubt(),
            window=able.window(),
            prefills=able.prefills(),
            native=native,
            first_token_seconds=self._params.get(FIRST_TOKEN),
            attempt_seconds=self._params.get(ATTEMPT),
            price=prices.price(said, self._provider, self._model),
            longest_answer=prices.longest_answer(said, self._provider, self._model),
            litellm_params={**self._params, "model": self._entry.litellm_params.model},
            model_info=self._entry.model_info,
        )

    def _problem(self, key: str, message: str) -> Problem:
        return self._models.document.problem((*self._at, key), message)

    def _check_texts(self) -> None:
        problems = [
            self._problem(key, f"{key!r}: expected text")  # and never what stands there: it can be the key
            for key in TEXTS
            if not isinstance(self._params.get(key), str | None)
        ]
        if problems:
            raise ConfigError(problems)

    def _check_numbers(self) -> None:
        """LiteLLM would say so of the first call, not at start."""
        problems = [
            self._models.problem((*self._at, key), f"{key!r}: expected {EXPECTED[key in LIMITS]}")
            for key in self._params
            if key in NUMBERS and not self._absent(key) and not self._number(key)
        ]
        if problems:
            raise ConfigError(problems)

    def _read(self, key: str, value: Any) -> Any:
        """A number that comes from an environment variable comes as a text."""
        if key in NUMBERS and (*self._at, key) in self._models.sourced:
            with suppress(ValueError):
                return float(value)
        return value

    def _absent(self, key: str) -> bool:
        return self._params.get(key) is None and (*self._at, key) not in self._models.unset

    def _number(self, key: str) -> bool:
        value = self._params[key]
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return 0 <= value <= MOST and not (key in LIMITS and value == 0)

    def _names(self) -> tuple[str, str]:
        """The provider's name for the model, and the provider."""
        name = self._entry.litellm_params.model
        provider, base = self._params.get("custom_llm_provider"), self._params.get("api_base")
        try:
            model, found, _, _ = litellm.get_llm_provider(name, custom_llm_provider=provider, api_base=base)
        except Exception:  # LiteLLM's own message tells of its documentation, not of this file
            named = self._models.quoted((*self._at, "model"), name)
            message = f"no provider is known for the model {named}; write it as 'provider/model'"
            hint = _near_provider(name.partition("/")[0]) if "/" in name else ""
            raise ConfigError([self._problem("model", message + hint)]) from None
        if provider and provider not in PROVIDERS:
            named = self._models.quoted((*self._at, "custom_llm_provider"), provider)
            message = f"LiteLLM has no provider {named}{_near_provider(provider)}"
            raise ConfigError([self._problem("custom_llm_provider", message)])
        return model, str(found)

    def _address(self) -> str | None:
        for name in ("api_base", "base_url"):
            at = (*self._at, name)
            if at in self._models.unset:
                message = f"environment variable {self._models.unset[at]} is not set"
                raise ConfigError([self._problem(name, message)])
        return self._params.get("api_base") or self._params.get("base_url") or self._first(BASE_VARIABLES)

    def _first(self, variables: Mapping[str, tuple[str, ...]]) -> str | None:
        """The first of the provider's variables that is set."""
        values = (self._environ.get(name, "").strip() for name in variables.get(self._provider, ()))
        return next(filter(None, values), None)

    def _stand_in(self) -> str | None:
        """OpenAI's client wants some key, a server of one's own none; other providers LiteLLM knows how to reach."""
        unset = (*self._at, "api_key") in self._models.unset
        return "none" if self._provider == "openai" and self._base and not unset else None

    def _lean(self) -> bool:
        """Whether the lean lane carries its chat: its wire is one of the two, and nothing asks for more."""
        if self._provider not in KEY_VARIABLES or not set(self._params) <= LEAN_PARAMS:
            return False
        mode = litellm.model_cost.get(self._model, {}).get("mode", "chat")
        return mode == "chat" and not self._model.startswith("responses/") and "audio" not in self._model

    def _unusable(self) -> str | None:
        at = (*self._at, "api_key")
        if at in self._models.unset:
            return f"{self._models.unset[at]} is not set"
        if self._key or self._base or self._provider not in KEY_VARIABLES:
            return None
        return f"{KEY_VARIABLES[self._provider][0]} is not set"

    def _doubt(self) -> str | None:
        """Of other providers LiteLLM knows better: a role, a profile or the machine itself can stand for a key."""
        params = CREDENTIALS.intersection(self._params)
        if self._key or self._provider in KEY_VARIABLES or params or self._unusable():
            return None
        needed = litellm.validate_environment(f"{self._provider}/{self._model}").get("missing_keys") or []
        missing = [name for name in needed if "KEY" in name]  # an address or a project can be known otherwise
        return f"LiteLLM finds no {' and no '.join(missing)}" if missing else None


def _near_provider(name: str) -> str:
    """There are more than a hundred, so that only a near one is of help."""
    hint = nearest(name, PROVIDERS)
    return hint if "did you mean" in hint else ""

"""The models: which there are, which is the primary, who is asked after whom; LiteLLM's Router picks."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import litellm
from litellm.types.router import RouterRateLimitError

from gateway.contract import DEFAULT_MODEL, NotFound, Operation, nothing
from gateway.lanes import abilities, endings, token_count, vocabulary
from gateway.lanes import deployments as entries
from gateway.lanes.boot import clear_callbacks, configure
from gateway.settings.load import Settings
from gateway.settings.models import ModelsFile
from gateway.settings.source import ConfigError, Problem, nearest
from gateway.upstream.deployment import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the configuration says of the models, before anything is started.

    ``chains`` holds, for each name a caller may use, the names that are asked in order. ``context_window_fallbacks``
    and ``content_policy_fallbacks`` hold, for a group's name, the groups to ask where the request is too long for it,
    or was refused by its provider's policy; a group that the file gives none, ``default`` and the local model are not
    in them.
    """

    deployments: tuple[Deployment, ...]
    primary: str
    chains: Mapping[str, tuple[str, ...]]
    drop_params: bool
    routing: Mapping[str, Any]
    warnings: tuple[str, ...]
    context_window_fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=nothing)
    content_policy_fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=nothing)
    local: str | None = None
    names: tuple[str, ...] = field(default=())
    _able: dict[tuple[str, Operation], tuple[str, ...]] = field(default_factory=dict, init=False, compare=False)

    @property
    def keyless(self) -> bool:
        """Whether no deployment can be called for want of a key."""
        return all(deployment.unusable for deployment in self.deployments)

    @property
    def fallback(self) -> str | None:
        """The model that answers when the primary does not."""
        chain = self.chains[self.primary]
        return chain[1] if len(chain) > 1 else None

    def with_local(self, deployment: Deployment) -> Plan:
        """The same plan, with the local model at the end of every chain, where the others have no key."""
        chains = {name: (*chain, deployment.group) for name, chain in self.chains.items()}
        return replace(
            self,
            deployments=(*self.deployments, deployment),
            chains=chains | {deployment.group: (deployment.group,)},
            local=deployment.group,
            names=(*self.names, deployment.group),
        )

    def chain(self, name: str, operation: Operation) -> tuple[str, ...]:
        """The groups to ask, in order; raises NotFound naming the models there are."""
        known = self._able.get((name, operation))
        if known is not None:
            return known
        if name not in self.chains:
            valid = ", ".join((DEFAULT_MODEL, *self.names))
            raise NotFound(
                f"There is no model {name!r} here; there are: {valid}.", code="model_not_found", param="model"
            )
        chain = tuple(group for group in self.chains[name] if self._does(group, operation))
        if not chain:
            able = [group for group in self.names if self._does(group, operation)]
            advice = f"these can: {', '.join(able)}" if able else _none_can(operation)
            message = f"The model {name!r} can't do {_words(operation)}; {advice}."
            raise NotFound(message, code="model_not_found", param="model")
        self._able[name, operation] = chain
        return chain

    def first(self, operation: Operation, among: Collection[str] | None = None) -> str:
        """The model of a request that names none, as OpenAI has one for some routes, and of ``among`` where that is
        given; raises NotFound."""
        may = [group for group in (self.primary, *self.names) if among is None or group in among]
        found = next((group for group in may if self._does(group, operation)), None)
        if found is None:
            raise NotFound(f"No model here can do {_words(operation)}: {_none_can(operation)}.", code="model_not_found")
        return found

    def count_tokens(self, texts: Iterable[str]) -> int:
        """How many tokens the texts have, as OpenAI's newer models count. Takes long: not for the event loop."""
        return token_count.count(texts)

    def _does(self, group: str, operation: Operation) -> bool:
        return any(d.group == group and d.does(operation) for d in self.deployments)


def _words(operation: Operation) -> str:
    return operation.value.replace("_", " ")


def _none_can(operation: Operation) -> str:
    """What to configure."""
    modes = " or ".join(repr(mode) for mode, does in abilities.MODES.items() if operation in does)
    if operation is Operation.RESPONSES:
        return "'model_list' in litellm.yaml has no chat model of OpenAI's own"
    return f"'model_list' in litellm.yaml has none that can; add one whose 'model_info' has the mode {modes}"


def plan(settings: Settings, today: datetime.date | None = None) -> Plan:
    """Check the models against LiteLLM's knowledge; raises ConfigError with file and line."""
    models = settings.models
    drop = _drop_params(models)
    configure(drop_params=drop)
    warnings = vocabulary.check(models)
    deployments = entries.build(models, settings.environment.raw, lane=settings.gateway.upstream.lane)
    warnings += _model_warnings(deployments, today or datetime.date.today())
    _register(deployments)
    primary, fallback = _primary(settings, deployments)
    warnings += _without_chat(settings, deployments)
    chains = {name: (name, *models.fallbacks.get(name, ())) for name in models.file.names}
    if fallback and fallback not in chains[primary]:
        chains[primary] = (primary, fallback, *chains[primary][1:])
    chains[DEFAULT_MODEL] = chains[primary]
    router_settings = models.file.router_settings
    return Plan(
        deployments=deployments,
        primary=primary,
        chains=chains,
        drop_params=drop,
        routing={k: router_settings[k] for k in ("routing_strategy", "routing_strategy_args") if k in router_settings},
        warnings=tuple(warnings),
        context_window_fallbacks=models.context_window_fallbacks,
        content_policy_fallbacks=models.content_policy_fallbacks,
        names=models.file.names,
    )


def _drop_params(models: ModelsFile) -> bool:
    """From an environment variable it comes as a text."""
    at = ("litellm_settings", "drop_params")
    value = models.file.litellm_settings.get("drop_params", True)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if not isinstance(value, bool):
        raise ConfigError([models.problem(at, "'litellm_settings.drop_params': expected true or false")])
    return value


def _model_warnings(deployments: tuple[Deployment, ...], today: datetime.date) -> list[str]:
    found = []
    for deployment in deployments:
        messages = (endings.warning(deployment, today), _uncallable(deployment, deployments), _other_kind(deployment))
        found += [f"{deployment.where}: {message}" for message in messages if message]
    return found


def _uncallable(deployment: Deployment, deployments: tuple[Deployment, ...]) -> str | None:
    """Where no model at all has its key, the local model stands in, which is said elsewhere."""
    if deployment.unusable and not all(d.unusable for d in deployments):
        return f"{deployment.group!r} can't be called: {deployment.unusable}"
    return f"{deployment.group!r} may not be callable: {deployment.doubt}" if deployment.doubt else None


def _other_kind(deployment: Deployment) -> str | None:
    if deployment.modes is None or deployment.modes:
        return None
    return f"{deployment.group!r} is of a kind that no route here calls"


def _chat(deployments: tuple[Deployment, ...]) -> list[Deployment]:
    """The deployments that may chat; first those that are known to."""
    return sorted((d for d in deployments if d.does(Operation.CHAT)), key=lambda d: d.modes is None)


def _without_chat(settings: Settings, deployments: tuple[Deployment, ...]) -> list[str]:
    """A gateway for embeddings only is of use; one whose models no route calls is not."""
    document = settings.models.document
    if not any(d.does(operation) for d in deployments for operation in Operation):
        message = "none of the models is of a kind that a route here calls"
        raise ConfigError([document.problem(("model_list",), message)])
    if _chat(deployments):
        return []
    return [
        str(
            document.problem(
                ("model_list",), "none of the models does chat, so that chat and the assistant can't answer"
            )
        )
    ]


def _primary(settings: Settings, deployments: tuple[Deployment, ...]) -> tuple[str, str | None]:
    """The primary's name and, where AI_MODEL_PROVIDER or ACTIVE_MODEL chose it, the other provider's model.

    Where no model does chat it is the first that does embeddings, so that ``default`` answers those.
    """
    able = _chat(deployments) or [d for d in deployments if d.does(Operation.EMBEDDING)] or list(deployments)
    by_provider: dict[str, str] = {}
    for deployment in _chat(deployments):
        by_provider.setdefault(deployment.provider, deployment.group)
    provider, active = settings.environment.get("AI_MODEL_PROVIDER"), settings.environment.get("ACTIVE_MODEL")
    if provider is None and active is None:
        return by_provider.get("gemini", able[0].group), None
    if provider:
        _require("AI_MODEL_PROVIDER", provider, by_provider, settings)
    primary = _active(settings, active, by_provider, deployments) if active else by_provider[provider]
    providers = {d.provider for d in deployments if d.group == primary}
    if provider and provider not in providers:
        have = " and ".join(sorted(providers))
        _refuse("ACTIVE_MODEL", f"is {active!r}, a model of {have}, which contradicts AI_MODEL_PROVIDER={provider}")
    others = (by_provider[p] for p in ("gemini", "openai") if p in by_provider and p not in providers)
    return primary, next(others, None)


def _require(variable: str, provider: str, by_provider: Mapping[str, str], settings: Settings) -> None:
    if provider.lower() not in by_provider:
        name = settings.models.document.name
        _refuse(variable, f"is {provider!r}, but {name} has no chat model of that provider")


def _active(
    settings: Settings, active: str, by_provider: Mapping[str, str], deployments: tuple[Deployment, ...]
) -> str:
    if active.lower() in ("gemini", "openai"):
        _require("ACTIVE_MODEL", active, by_provider, settings)
        return by_provider[active.lower()]
    names = settings.models.file.names
    if active not in names:
        _refuse("ACTIVE_MODEL", f"is {active!r}, which 'model_list' does not have{nearest(active, names)}")
    if not any(d.group == active and d.does(Operation.CHAT) for d in deployments):
        _refuse("ACTIVE_MODEL", f"is {active!r}, which is not a chat model")
    return active


def _refuse(variable: str, message: str) -> NoReturn:
    raise ConfigError([Problem(f"environment variable {variable}", message)])


class RouterPicker:
    """``deployment.Picker`` over LiteLLM's Router, which holds what can be called."""

    def __init__(self, plan: Plan) -> None:
        self._by_id = {d.id: d for d in plan.deployments}
        self._unusable = [d for d in plan.deployments if d.unusable]
        usable = [d for d in plan.deployments if not d.unusable]
        self._callable = Counter(d.group for d in usable)
        #: Groups of one, in which there is nothing to choose.
        self._only = {d.group: d for d in usable if self._callable[d.group] == 1}
        self.router = litellm.Router(
            model_list=[_entry(d) for d in usable], num_retries=0, disable_cooldowns=True, **plan.routing
        )
        clear_callbacks()

    async def pick(self, group: str, excluded: frozenset[str]) -> Deployment | None:
        """See ``deployment.Picker``. What can't be called comes last, so that its reason is known."""
        only = self._only.get(group)
        if only is not None and only.id not in excluded:
            return only
        if only is None and group in self._callable:
            kwargs = {"_excluded_deployment_ids": list(excluded)} if excluded else {}
            try:
                picked = await self.router.async_get_available_deployment(model=group, request_kwargs=kwargs)
                return self._by_id[picked["model_info"]["id"]]
            except RouterRateLimitError:  # the Router's word for: none is left
                pass
        return next((d for d in self._unusable if d.group == group and d.id not in excluded), None)


def _entry(deployment: Deployment) -> dict[str, Any]:
    """The deployment as the Router wants it, under our id; what is absent LiteLLM looks up itself."""
    known = {"api_base": deployment.api_base, "api_key": deployment.api_key}
    params = {k: v for k, v in deployment.litellm_params.items() if k not in vocabulary.NOT_ROUTERS}
    return {
        "model_name": deployment.group,
        "litellm_params": {k: v for k, v in {**params, **known}.items() if v is not None},
        "model_info": {**deployment.model_info, "id": deployment.id},
    }


def _register(deployments: tuple[Deployment, ...]) -> None:
    """Tell LiteLLM what a model can do that its map does not hold; it believes the worst otherwise."""
    for deployment in deployments:
        key = f"{deployment.provider}/{deployment.model}"
        if deployment.model_info and key not in endings.SHIPPED and deployment.model not in endings.SHIPPED:
            info = {name: value for name, value in deployment.model_info.items() if name != "id"}
            litellm.register_model({key: {**info, "litellm_provider": deployment.provider}})

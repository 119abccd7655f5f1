"""``litellm.yaml``: LiteLLM's own vocabulary, as far as this gateway reads it itself.

What the keys of ``router_settings`` and ``litellm_settings`` may be is LiteLLM's to say, and checked in
``gateway.lanes.catalog``, where litellm is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.settings.source import (
    ConfigError,
    Document,
    Filled,
    Location,
    Problem,
    near_miss,
    nearest,
    validate,
)

#: Sections that LiteLLM's proxy knows and this gateway leaves alone; they are named at start.
FOREIGN_SECTIONS = frozenset(
    {
        "environment_variables",
        "callback_settings",
        "guardrails",
        "policies",
        "policy_attachments",
        "mcp_servers",
        "mcp_tools",
        "prompts",
        "credential_list",
        "vector_store_registry",
        "search_tools",
        "assistant_settings",
        "finetune_settings",
        "files_settings",
        "health_check_settings",
        "agents",
        "agent_list",
        "default_vertex_config",
        "sandbox_tools",
        "worker_registry",
    }
)
SECTIONS = frozenset({"model_list", "router_settings", "litellm_settings", "general_settings"})
ENVIRONMENT_VALUE = "os.environ/"
WILDCARD = "*"
#: YAML's anchors are kept under such keys; nothing reads them by name.
ANCHOR_HOLDERS = ("x-", ".")
EVERY_MODEL = "*"
#: Whom else to ask after any failure, and after two of one kind; the names are LiteLLM's, in either section.
FALLBACKS, TOO_LONG, REFUSED = "fallbacks", "context_window_fallbacks", "content_policy_fallbacks"
DEFAULT_FALLBACKS = "default_fallbacks"


class LiteLLMParams(BaseModel):
    """Of ``litellm_params`` only ``model`` is required; LiteLLM passes on whatever else stands there."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    model: str = Field(min_length=1)


class ModelEntry(BaseModel):
    """One deployment of ``model_list``; what else stands there LiteLLM lets pass, and is named at start."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, protected_namespaces=())
    model_name: str = Field(min_length=1)
    litellm_params: LiteLLMParams
    model_info: dict[str, Any] = Field(default_factory=dict)


class LiteLLMFile(BaseModel):
    """The sections of ``litellm.yaml`` that this gateway reads."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, protected_namespaces=())
    model_list: list[ModelEntry] = Field(min_length=1)
    router_settings: dict[str, Any] = Field(default_factory=dict)
    litellm_settings: dict[str, Any] = Field(default_factory=dict)
    general_settings: dict[str, Any] = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The model names callers may use, in the file's order; a pattern is no name."""
        return tuple(dict.fromkeys(entry.model_name for entry in self.model_list if WILDCARD not in entry.model_name))


class ModelsFile:
    """``litellm.yaml`` with its places, its ``os.environ/NAME`` values filled in, its fallbacks resolved."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.document = document
        self.warnings: list[str] = []
        self._check_sections()
        self.unset: dict[Location, str] = {}
        self.sourced: set[Location] = set()
        self.filled = Filled(self.sourced, self.unset)
        resolved = self._resolve(self._sections(), (), environ)
        self._check_entries(resolved.get("model_list"))
        self.file = validate(document, LiteLLMFile, data=resolved, filled=self.filled)
        self.fallbacks = self._fallbacks(FALLBACKS)
        self.context_window_fallbacks = self._named(TOO_LONG)
        self.content_policy_fallbacks = self._named(REFUSED)

    def problem(self, at: Location, message: str) -> Problem:
        """A problem with the value at ``at``: the variable it should have come from, if that is not set."""
        return self.document.problem(at, self.filled.missing(at) or message)

    def quoted(self, at: Location, value: str) -> str:
        """``value`` for a message; one that came from an environment variable may be a secret by mistake."""
        return "of the name that the environment gives" if at in self.sourced else repr(value)

    def _check_sections(self) -> None:
        if not isinstance(self.document.data, dict):
            raise ConfigError([self.document.problem((), "expected a mapping with a 'model_list'")])
        problems = []
        for key in self.document.data:
            if key in FOREIGN_SECTIONS:
                self._warn((key,), f"{key!r} is not supported here and is ignored")
            elif key == "include":
                message = "'include' is not supported here; write the models into this file"
                problems.append(self.document.problem((key,), message))
            elif key not in SECTIONS and not str(key).startswith(ANCHOR_HOLDERS):
                problems.append(self.document.problem((key,), f"unknown key {key!r}{nearest(str(key), SECTIONS)}"))
        if problems:
            raise ConfigError(problems)

    def _check_entries(self, entries: Any) -> None:
        """Before the shape, so that a mistyped key is not told of as a missing one."""
        problems = []
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            for key in entry if isinstance(entry, dict) else ():
                if key in ModelEntry.model_fields:
                    continue
                at = ("model_list", index, str(key))
                hint = near_miss(str(key), ModelEntry.model_fields)
                if hint:
                    problems.append(self.document.problem(at, f"unknown key 'model_list.{index}.{key}'{hint}"))
                else:
                    self._warn(at, f"{key!r} beside 'litellm_params' is not used here and is ignored")
        if problems:
            raise ConfigError(problems)

    def _warn(self, at: Location, message: str) -> None:
        self.warnings.append(str(self.document.problem(at, message)))

    def _sections(self) -> dict[Any, Any]:
        """The sections that hold something: one whose every line is a comment counts as absent, as in LiteLLM."""
        data = self.document.data.items()
        return {key: value for key, value in data if key in SECTIONS and value is not None}

    def _resolve(self, value: Any, location: Location, environ: Mapping[str, str]) -> Any:
        """``value`` with each ``os.environ/NAME`` replaced; what is unset becomes None and is remembered."""
        if isinstance(value, dict):
            return {key: self._resolve(item, (*location, str(key)), environ) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolve(item, (*location, index), environ) for index, item in enumerate(value)]
        if isinstance(value, str) and value.startswith(ENVIRONMENT_VALUE):
            name = value.removeprefix(ENVIRONMENT_VALUE)
            if not environ.get(name, "").strip():
                self.unset[location] = name
                return None
            self.sourced.add(location)
            return environ[name].strip()
        return value

    def _named(self, kind: str) -> dict[str, tuple[str, ...]]:
        """The fallbacks of ``kind`` for the models that have any."""
        return {source: targets for source, targets in self._fallbacks(kind).items() if targets}

    def _fallbacks(self, kind: str) -> dict[str, tuple[str, ...]]:
        """Model name to the names that are asked after it, from either section LiteLLM accepts them in."""
        own: dict[str, tuple[str, ...]] = {}
        others: tuple[str, ...] | None = None
        problems: list[Problem] = []
        for section in ("litellm_settings", "router_settings"):
            for location, source, targets in self._entries(section, kind):
                problems += self._unknown_names(location, targets if source == EVERY_MODEL else (source, *targets))
                if source == EVERY_MODEL:
                    others = targets
                else:
                    own[source] = targets
        if problems:
            raise ConfigError(problems)
        general = {} if others is None else dict.fromkeys(self.file.names, others)
        return {
            source: tuple(name for name in dict.fromkeys(targets) if name != source)
            for source, targets in (general | own).items()
        }

    def _entries(self, section: str, kind: str) -> Iterator[tuple[Location, str, tuple[str, ...]]]:
        """Those of ``kind``; after ``fallbacks`` also ``default_fallbacks``, which LiteLLM takes for a last ``"*"``
        among them."""
        settings = getattr(self.file, section)
        expected = f"{kind!r}: expected '- a-model: [its-fallback, ...]'"
        for index, entry in enumerate(self._list((section, kind), expected)):
            at = (section, kind, index)
            if not isinstance(entry, dict):
                raise ConfigError([self.problem(at, expected)])
            for source, targets in entry.items():
                yield (*at, str(source)), str(source), self._names((*at, str(source)), targets)
        everyone = (section, DEFAULT_FALLBACKS)
        if kind == FALLBACKS and (settings.get(DEFAULT_FALLBACKS) or everyone in self.unset):
            yield everyone, EVERY_MODEL, self._names(everyone, settings[DEFAULT_FALLBACKS])

    def _list(self, at: tuple[str, str], expected: str) -> list[Any]:
        value = getattr(self.file, at[0]).get(at[1]) or []
        if not isinstance(value, list) or at in self.unset:
            raise ConfigError([self.problem(at, expected)])
        return value

    def _names(self, at: Location, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError([self.problem(at, "expected a list of model names")])
        return tuple(value)

    def _unknown_names(self, at: Location, names: tuple[str, ...]) -> Iterator[Problem]:
        aliases = self.file.router_settings.get("model_group_alias")
        for name in names:
            if name in self.file.names:
                continue
            message = f"fallback names the model {name!r}, which 'model_list' does not have"
            if isinstance(aliases, dict) and name in aliases:
                why = "it stands in 'model_group_alias', which is not supported here; name the model itself"
                yield self.document.problem(at, f"{message}: {why}")
            else:
                yield self.document.problem(at, message + nearest(name, self.file.names))

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
    Location,
    Problem,
    nearest,
    validate,
)

#: Sections that LiteLLM's proxy knows and this gateway leaves alone; they are named at start.
FOREIGN_SECTIONS = frozenset(
    {
        "include",
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
    }
)
SECTIONS = frozenset({"model_list", "router_settings", "litellm_settings", "general_settings"})
ENVIRONMENT_VALUE = "os.environ/"
WILDCARD = "*"
FALLBACKS = "'fallbacks': expected '- a-model: [its-fallback, ...]'"


class LiteLLMParams(BaseModel):
    """Of ``litellm_params`` only ``model`` is required; LiteLLM passes on whatever else stands there."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    model: str = Field(min_length=1)


class ModelEntry(BaseModel):
    """One deployment of ``model_list``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())
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
        resolved = self._resolve(self._filled(), (), environ)
        self.file = validate(document, LiteLLMFile, data=resolved)
        self.fallbacks = self._fallbacks()

    def _check_sections(self) -> None:
        if not isinstance(self.document.data, dict):
            raise ConfigError([self.document.problem((), "expected a mapping with a 'model_list'")])
        problems = []
        for key in self.document.data:
            if key in FOREIGN_SECTIONS:
                self.warnings.append(
                    str(self.document.problem((key,), f"{key!r} is not supported here and is ignored"))
                )
            elif key not in SECTIONS:
                problems.append(self.document.problem((key,), f"unknown key {key!r}{nearest(str(key), SECTIONS)}"))
        if problems:
            raise ConfigError(problems)

    def _filled(self) -> dict[Any, Any]:
        """The sections that hold something: one whose every line is a comment counts as absent, as in LiteLLM."""
        return {key: value for key, value in self.document.data.items() if value is not None}

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
            return environ[name].strip()
        return value

    def _fallbacks(self) -> dict[str, tuple[str, ...]]:
        """Model name to the names that are asked after it, from either section LiteLLM accepts them in."""
        chains: dict[str, tuple[str, ...]] = {}
        problems: list[Problem] = []
        for section in ("litellm_settings", "router_settings"):
            for location, source, targets in self._entries(section):
                problems += self._unknown_names(location, (source, *targets))
                chains[source] = tuple(name for name in dict.fromkeys(targets) if name != source)
        if problems:
            raise ConfigError(problems)
        return chains

    def _entries(self, section: str) -> Iterator[tuple[Location, str, tuple[str, ...]]]:
        """``default_fallbacks`` for every model, then ``fallbacks``, which say otherwise for theirs."""
        settings = getattr(self.file, section)
        defaults = settings.get("default_fallbacks") or []
        for name in self.file.names if defaults else ():
            yield (section, "default_fallbacks"), name, self._names((section, "default_fallbacks"), defaults)
        entries = settings.get("fallbacks") or []
        if not isinstance(entries, list):
            raise ConfigError([self.document.problem((section, "fallbacks"), FALLBACKS)])
        for index, entry in enumerate(entries):
            at = (section, "fallbacks", index)
            for source, targets in self._mapping(at, entry).items():
                yield (*at, str(source)), str(source), self._names((*at, str(source)), targets)

    def _mapping(self, at: Location, entry: Any) -> dict[Any, Any]:
        if not isinstance(entry, dict):
            raise ConfigError([self.document.problem(at, FALLBACKS)])
        return entry

    def _names(self, at: Location, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError([self.document.problem(at, "expected a list of model names")])
        return tuple(value)

    def _unknown_names(self, at: Location, names: tuple[str, ...]) -> Iterator[Problem]:
        for name in names:
            if name not in self.file.names:
                message = f"fallback names the model {name!r}, which 'model_list' does not have"
                yield self.document.problem(at, message + nearest(name, self.file.names))

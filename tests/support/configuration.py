"""Writes a configuration for one test and loads it, in this process."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.lanes.catalog import Plan, plan
from gateway.settings import ConfigError, Settings, load

#: Long before any model of LiteLLM's map comes to its end.
EARLY = datetime.date(2024, 1, 1)
MODELS = """\
model_list:
  - model_name: flash
    litellm_params:
      model: gemini/gemini-2.5-flash
      api_key: os.environ/GEMINI_API_KEY
  - model_name: mini
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
  - model_name: vectors
    litellm_params:
      model: openai/text-embedding-3-small
      api_key: os.environ/OPENAI_API_KEY
"""
KEYS = {"GEMINI_API_KEY": "gemini-key-of-the-test", "OPENAI_API_KEY": "sk-openai-key-of-the-test"}


@dataclass
class Configuration:
    """A folder with ``gateway.yaml`` and ``litellm.yaml``."""

    folder: Path

    def write(self, name: str, text: str | bytes) -> Path:
        """Write one file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def environ(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that name the two files, and ``env``."""
        named = {"GATEWAY_CONFIG": str(self.folder / "litellm.yaml"), "GATEWAY_CONFIG_DIR": str(self.folder)}
        return {**named, **(env or {})}

    def load(
        self, gateway: str | bytes = "", models: str | bytes = MODELS, env: Mapping[str, str] | None = None
    ) -> Settings:
        """The settings of these texts."""
        self.write("gateway.yaml", gateway)
        self.write("litellm.yaml", models)
        return load(self.environ(env))

    def plan(
        self,
        models: str | bytes = MODELS,
        env: Mapping[str, str] | None = None,
        *,
        keys: bool = True,
        gateway: str | bytes = "",
        today: datetime.date = EARLY,
    ) -> Plan:
        """The plan of these texts, with both providers' keys unless ``keys`` is false."""
        return plan(self.load(gateway, models, {**(KEYS if keys else {}), **(env or {})}), today)

    def shown(self, error: ConfigError) -> list[str]:
        """The problems as they are printed, without the folder's name."""
        return str(error).replace(f"{self.folder}/", "").split("\n")

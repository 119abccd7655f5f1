"""Reads every source of configuration and puts them together; nothing here needs litellm."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from gateway.settings import environment, keys
from gateway.settings.environment import VARIABLES, Environment
from gateway.settings.keys import Key
from gateway.settings.models import ModelsFile
from gateway.settings.schema import GatewayConfig
from gateway.settings.source import ConfigError, Document, Problem, validate

Shape = TypeVar("Shape", bound=BaseModel)
PROJECT = Path(__file__).resolve().parents[2]
KEY_RULE = "expected printable ASCII text without spaces"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """The configuration folder, as policies may read it (``contract.Files``)."""

    folder: Path

    def text(self, name: str) -> str:
        """The text of ``name`` in the folder; raises ValueError saying why it can't be read."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ValueError(f"{name!r} is outside of the configuration folder")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ValueError(f"{name!r} can't be read: {reason}") from None

    def yaml(self, name: str, shape: type[Shape]) -> Shape:
        """A YAML file of the folder as ``shape``; raises ConfigError with file, line and reason."""
        return validate(Document(self.folder / name, self.text(name)), shape)

    def wrong(self, name: str, at: Sequence[str | int], message: str) -> ConfigError:
        """What is wrong at a place of a YAML file, with its line."""
        return ConfigError([Document(self.folder / name, self.text(name)).problem(tuple(at), message)])


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured, checked as far as it can be without litellm. ``keys`` are the virtual keys at the
    start, None where ``keys_file`` is not there."""

    gateway: GatewayConfig
    document: Document
    models: ModelsFile
    environment: Environment
    files: ConfigFiles
    master_key: str | None
    warnings: tuple[str, ...]
    keys_file: Path
    keys: tuple[Key, ...] | None

    @property
    def log_dir(self) -> Path:
        """Where the log goes, as the setting says, from where the process was started."""
        return Path(self.gateway.logging.dir)

    def origin(self, section: str, name: str) -> str:
        """Where a setting's value came from: a variable, a line, or the default."""
        for variable, rule in VARIABLES.items():
            if rule.setting == (section, name) and variable in self.environment.values:
                return variable
        data = self.document.data if isinstance(self.document.data, dict) else {}
        if name in (data.get(section) or {}):
            return f"{Path(self.document.name).name}:{self.document.line((section, name))}"
        return "default"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read environment, ``config/gateway.yaml`` and ``litellm.yaml``; raises ConfigError with all that is wrong."""
    env = environment.read(os.environ if environ is None else environ)
    folder = _folder(env)
    document, config = _gateway(folder / "gateway.yaml", env)
    models = _models(env)
    keys_file = _keys_file(env)
    settings = Settings(
        gateway=config,
        document=document,
        models=models,
        environment=env,
        files=ConfigFiles(folder),
        master_key=_master_key(env, models),
        warnings=(*env.warnings, *models.warnings, *_per_process(env)),
        keys_file=keys_file,
        keys=keys.read(keys_file, models.file.names),
    )
    _refuse_open_listener(settings)
    return settings


def keys_place(environ: Mapping[str, str] | None = None) -> tuple[Path, tuple[str, ...]]:
    """Where the virtual keys are kept, and the models that they may name; raises ConfigError. Asks for less than
    ``load``, which refuses to listen to others before there is a key."""
    env = environment.read(os.environ if environ is None else environ)
    return _keys_file(env), _models(env).file.names


def _folder(env: Environment) -> Path:
    return Path(env.get("GATEWAY_CONFIG_DIR", PROJECT / "config"))


def _keys_file(env: Environment) -> Path:
    return Path(env.get("GATEWAY_KEYS", _folder(env) / "keys.yaml"))


def _models(env: Environment) -> ModelsFile:
    return ModelsFile(Document.read(Path(env.get("GATEWAY_CONFIG", PROJECT / "litellm.yaml"))), env.raw)


def _gateway(path: Path, env: Environment) -> tuple[Document, GatewayConfig]:
    document = Document.read(path)
    config = validate(document, GatewayConfig)
    for name, variable in VARIABLES.items():
        if variable.setting and name in env.values:
            section, key = variable.setting
            changed = getattr(config, section).model_copy(update={key: env.values[name]})
            config = config.model_copy(update={section: changed})
    return document, config


def _master_key(env: Environment, models: ModelsFile) -> str | None:
    """The environment's, else ``general_settings.master_key``, where LiteLLM's proxy has it."""
    key: Any = env.get("GATEWAY_MASTER_KEY")
    if key:
        if not _sendable(key):
            raise ConfigError([Problem("environment variable GATEWAY_MASTER_KEY", KEY_RULE)])
        return str(key)
    at = ("general_settings", "master_key")
    if at in models.unset:  # to go on without would serve everyone where a key was meant
        message = f"environment variable {models.unset[at]} is not set"
        raise ConfigError([models.document.problem(at, message)])
    key = models.file.general_settings.get("master_key")
    if key is not None and not _sendable(key):
        raise ConfigError([models.document.problem(at, f"'general_settings.master_key': {KEY_RULE}")])
    return None if key is None else str(key)


def _sendable(key: Any) -> bool:
    """Whether a client can send ``key`` in an Authorization header."""
    return isinstance(key, str) and key.isascii() and key.isprintable() and bool(key) and " " not in key


def _per_process(env: Environment) -> tuple[str, ...]:
    if env.get("REDIS_URL"):
        return ("REDIS_URL is set, but state is not shared yet: limits and breakers count per process",)
    return ()


def _refuse_open_listener(settings: Settings) -> None:
    host = settings.gateway.server.host
    if host in LOOPBACK or settings.master_key or settings.keys:
        return
    message = (
        f"{host!r} is not a loopback address, and no key is configured: anyone who reaches it could spend your "
        "provider's money. Set GATEWAY_MASTER_KEY, make a key ('make key NAME=...'), or listen on 127.0.0.1"
    )
    origin = settings.origin("server", "host")
    if origin in VARIABLES:
        raise ConfigError([Problem(f"environment variable {origin}", message)])
    raise ConfigError([settings.document.problem(("server", "host"), message)])

"""The environment variables of the wire contract, read once at start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.settings.source import ConfigError, Problem, nearest

TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})
PROVIDERS = ("gemini", "openai")
SECRET_ENDINGS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
PREFIXES = ("GATEWAY_", "IVY_", "AI_")


def _boolean(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError("expected true, false, 1, 0, yes, no, on or off")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return parse


def _provider(text: str) -> str:
    if text.lower() not in PROVIDERS:
        raise ValueError("expected gemini or openai")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Variable:
    """How a variable is read, and the setting of ``gateway.yaml`` that it stands in for, if any."""

    parse: Callable[[str], Any]
    setting: tuple[str, str] | None = None
    secret: bool = False


VARIABLES: Mapping[str, Variable] = {
    "AI_MODEL_PROVIDER": Variable(_provider),
    "ACTIVE_MODEL": Variable(str),
    "IVY_MODAL_HEURISTICS": Variable(_boolean, ("flags", "modal_heuristics")),
    "IVY_ORGANIC_ENABLED": Variable(_boolean, ("flags", "organic_enabled")),
    "AI_RATE_LIMIT_PER_MIN": Variable(_whole(1, 1_000_000), ("limits", "per_minute")),
    "AI_BURST_LIMIT": Variable(_whole(1, 1_000_000), ("limits", "burst")),
    "REDIS_URL": Variable(str, secret=True),
    "GATEWAY_HOST": Variable(str, ("server", "host")),
    "GATEWAY_PORT": Variable(_whole(0, 65535), ("server", "port")),
    "GATEWAY_CONFIG": Variable(str),
    "GATEWAY_CONFIG_DIR": Variable(str),
    "GATEWAY_KEYS": Variable(str),
    "GATEWAY_LOG_DIR": Variable(str, ("logging", "dir")),
    "GATEWAY_MASTER_KEY": Variable(str, secret=True),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables that are set, parsed; and the raw environment, for ``os.environ/NAME`` values."""

    values: Mapping[str, Any]
    raw: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    def get(self, name: str, default: Any = None) -> Any:
        """The parsed value of a variable of the contract."""
        return self.values.get(name, default)

    def secrets(self) -> Iterator[str]:
        """The values of all variables that are named as secrets are."""
        for name, value in self.raw.items():
            if name.upper().endswith(SECRET_ENDINGS):
                yield value.strip()


def read(environ: Mapping[str, str]) -> Environment:
    """Parse the contract's variables; a variable set to nothing counts as not set. Raises ConfigError."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, variable in VARIABLES.items():
        text = environ.get(name, "").strip()
        if not text:
            continue
        try:
            values[name] = variable.parse(text)
        except ValueError as error:
            problems.append(Problem(f"environment variable {name}", f"{error}, got {text!r}"))
    if problems:
        raise ConfigError(problems)
    return Environment(values, dict(environ), _unknown(environ))


def _unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A mistyped name is silent otherwise; a foreign one is none of our business, hence a warning only."""
    return tuple(
        f"environment variable {name} is not one of the gateway's{nearest(name, VARIABLES)}"
        for name in sorted(environ)
        if name.startswith(PREFIXES) and name not in VARIABLES and "did you mean" in nearest(name, VARIABLES)
    )

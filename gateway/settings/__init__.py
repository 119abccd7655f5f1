"""Configuration: read, checked and put together, with the file and line of whatever is wrong."""

from gateway.settings.load import Settings, keys_place, load
from gateway.settings.source import ConfigError, Problem

__all__ = ["ConfigError", "Problem", "Settings", "keys_place", "load"]

"""Fixtures for tests of the engine's modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.configuration import Configuration


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """An empty configuration folder."""
    return Configuration(tmp_path)

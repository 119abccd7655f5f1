"""Fixtures: the provider double, and gateways that stand in front of it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.double.client import Double
from tests.support.gateway import QUICK, GatewayProcess, merge, models

Start = Callable[..., GatewayProcess]


@pytest.fixture(scope="session")
def double() -> Iterator[Double]:
    with Double.start() as running:
        yield running


@pytest.fixture
def provider(double: Double) -> Iterator[Double]:
    """The double, with nothing left of the test before."""
    double.reset()
    yield double
    double.reset()
    double.settings(latency_ms=0, chunk_interval_ms=0)


@pytest.fixture(scope="session")
def start_shared(double: Double, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a gateway in front of the double that lives as long as the session."""
    with ExitStack() as stack:

        def start(settings: dict[str, Any] | None = None, **options: Any) -> GatewayProcess:
            folder = tmp_path_factory.mktemp("gateway")
            options.setdefault("models", models(double.gemini_base, double.openai_base))
            process = GatewayProcess(folder, settings=merge(QUICK, settings or {}), **options)
            return stack.enter_context(process)

        yield start


@pytest.fixture
def start(double: Double, tmp_path: Path) -> Iterator[Start]:
    """Starts a gateway in front of the double for one test."""
    with ExitStack() as stack:

        def begin(settings: dict[str, Any] | None = None, **options: Any) -> GatewayProcess:
            folder = tmp_path / f"gateway{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            options.setdefault("models", models(double.gemini_base, double.openai_base))
            return stack.enter_context(GatewayProcess(folder, settings=merge(QUICK, settings or {}), **options))

        yield begin


@pytest.fixture
async def litellm_closed() -> AsyncIterator[None]:
    """For tests that call LiteLLM in this process: it leaves connections open, some beyond its own closing."""
    yield
    from gateway.lanes.boot import close_clients

    await close_clients()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def lean(start_shared: Start) -> GatewayProcess:
    """A gateway as it is shipped, but patient for a second only and without limits."""
    return start_shared()


@pytest.fixture(scope="session")
def full(start_shared: Start) -> GatewayProcess:
    """The same, with every call in LiteLLM's lane."""
    return start_shared({"upstream": {"lane": "litellm"}})


@pytest.fixture(params=["lean", "full"])
def gateway(request: pytest.FixtureRequest) -> GatewayProcess:
    """Each lane in turn."""
    process: GatewayProcess = request.getfixturevalue(request.param)
    return process

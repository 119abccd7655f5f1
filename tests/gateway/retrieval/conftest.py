"""An index in a folder, and the same in an object storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.retrieval.lance import opened, opened_for_reading
from gateway.retrieval.store import Store
from gateway.settings.schema import KnowledgeBase
from tests.support.index import Storage, storage


@pytest.fixture(scope="session")
def object_storage() -> Iterator[Storage]:
    with storage() as found:
        yield found


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> KnowledgeBase:
    """The settings of an index that is not there yet."""
    if request.param == "folder":
        return KnowledgeBase(store=str(tmp_path / "index"), refresh_seconds=0.05)
    found: Storage = request.getfixturevalue("object_storage")
    return found.settings(tmp_path.name)


@pytest.fixture
async def store(place: KnowledgeBase) -> AsyncIterator[Store]:
    """An empty index, as it is written."""
    made = await opened(place)
    yield made
    await made.aclose()


@pytest.fixture
async def reader(place: KnowledgeBase, store: Store) -> AsyncIterator[Store]:
    """The same index, as another process reads it."""
    found = await opened_for_reading(place)
    assert found is not None
    yield found
    await found.aclose()

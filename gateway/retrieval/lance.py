"""Opens an index in LanceDB, in a local folder or an object storage. Takes LanceDB in only where it is needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.retrieval.store import Store, StoreError
from gateway.settings.schema import KnowledgeBase

if TYPE_CHECKING:
    from gateway.retrieval.lance_store import LanceStore

FROM_ENVIRONMENT = "os.environ/"
QUIET = {"LANCE_LOG": "error", "LANCEDB_LOG": "error"}


async def opened(settings: KnowledgeBase, environ: Mapping[str, str] | None = None) -> Store:
    """The index, to be written and searched; made where it is not there yet. It sees others' changes at once.

    Raises StoreError.
    """
    store = await _connected(settings, 0, os.environ if environ is None else environ)
    await store.prepare()
    return store


async def opened_for_reading(settings: KnowledgeBase, environ: Mapping[str, str] | None = None) -> Store | None:
    """The index, to be searched, None where there is none; makes nothing. It sees others' changes after
    ``refresh_seconds``.

    Raises StoreError.
    """
    if not may_be_there(settings.store):
        return None
    store = await _connected(settings, settings.refresh_seconds, os.environ if environ is None else environ)
    if await store.is_there():
        return store
    await store.aclose()
    return None


def may_be_there(store: str) -> bool:
    """False where there is certainly no index; known without taking in or asking anything."""
    return is_remote(store) or (Path(store) / "meta.lance").is_dir()


def is_remote(store: str) -> bool:
    """Whether it is an object storage's URL and not a folder."""
    return "://" in store


async def _connected(settings: KnowledgeBase, seconds: float, environ: Mapping[str, str]) -> LanceStore:
    if find_spec("lancedb") is None:
        raise StoreError("LanceDB is not installed here; 'make ingest' installs it")
    for name, level in QUIET.items():
        os.environ.setdefault(name, level)
    from gateway.retrieval.lance_store import LanceStore  # noqa: PLC0415 - 1.5 s and 130 MB
    from gateway.retrieval.lance_tables import connected  # noqa: PLC0415

    options = {name: _resolved(value, environ) for name, value in settings.storage_options.items()}
    return LanceStore(await connected(_uri(settings.store), options, seconds, settings.store), settings.store, seconds)


def _uri(store: str) -> str:
    """A folder as its path from the root: LanceDB takes one named db... for an address of its own cloud."""
    return store if is_remote(store) else str(Path(store).resolve())


def _resolved(value: str, environ: Mapping[str, str]) -> str:
    """``value``, or what ``os.environ/NAME`` names; raises StoreError where that is not set."""
    if not value.startswith(FROM_ENVIRONMENT):
        return value
    name = value.removeprefix(FROM_ENVIRONMENT)
    if not environ.get(name):
        raise StoreError(f"'knowledge.storage_options': environment variable {name} is not set")
    return environ[name]

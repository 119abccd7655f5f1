"""Three machines that ingest into one object storage at the same time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway.retrieval.lance import opened_for_reading
from tests.support.gateway import FOREIGN, ROOT
from tests.support.index import Storage, storage

FILES = 60


@pytest.fixture(scope="module")
def object_storage() -> Iterator[Storage]:
    with storage() as found:
        yield found


def write(folder: Path, version: str) -> None:
    for number in range(FILES):
        path = folder / f"d{number}.md"
        path.write_text(f"# Document {number}\n\n{version} everywhere x{number} " + "word " * 60)


def environment(config: Path, found: Storage, prefix: str) -> dict[str, str]:
    """The secret comes from the environment, as it would."""
    settings = found.settings(prefix)
    options = {**settings.storage_options, "aws_secret_access_key": "os.environ/STORAGE_SECRET"}
    config.mkdir()
    knowledge = {"store": settings.store, "storage_options": options, "embeddings": "none"}
    (config / "gateway.yaml").write_text(yaml.safe_dump({"knowledge": knowledge}))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "GATEWAY_CONFIG_DIR": str(config),
        "STORAGE_SECRET": found.options["aws_secret_access_key"],
    }


def at_once(folders: list[Path], env: dict[str, str]) -> list[tuple[int, str]]:
    """Each folder's ingest, all at the same time; their exit statuses and what they said."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "gateway", "ingest", str(folder)],
            env=env,
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    said = [process.communicate(timeout=240) for process in running]
    return [(process.returncode, errors) for process, (_, errors) in zip(running, said, strict=True)]


async def test_three_writers_of_the_same_documents_leave_each_once(object_storage: Storage, tmp_path: Path) -> None:
    """The documents of the three machines differ, as they do while a new version is being rolled out."""
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()
        write(folder, f"version{folder.name}")
    env = environment(tmp_path / "config", object_storage, tmp_path.name)
    for status, errors in await asyncio.to_thread(at_once, folders, env):
        assert status == 0, errors
    reader = await opened_for_reading(object_storage.settings(tmp_path.name))
    assert reader is not None
    hits = await reader.by_text("everywhere", 10 * FILES)
    state = await reader.state()
    await reader.aclose()
    assert (state.documents, state.chunks) == (FILES, FILES)
    assert sorted(hit.chunk.document for hit in hits) == sorted(f"d{number}.md" for number in range(FILES))
    assert {hit.chunk.text.split()[0] for hit in hits} <= {"versionone", "versiontwo", "versionthree"}

"""An ingest as an operator runs it, killed at any moment, while others search."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from gateway.retrieval.lance import opened_for_reading
from gateway.retrieval.store import Store
from gateway.settings.schema import KnowledgeBase
from tests.support.gateway import FOREIGN, ROOT

FILES = 200
KILLS = 5


def write(folder: Path, version: str) -> None:
    """Documents of three sections each, which all hold ``version`` and ``everywhere``."""
    for number in range(FILES):
        path = folder / f"part{number % 7}" / f"d{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        sections = [f"## Section {n}\n\n{version} everywhere x{number}y{n} " + "word " * 80 for n in range(3)]
        path.write_text(f"# Document {number}\n\n" + "\n\n".join(sections))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a gateway whose index is in ``tmp_path``, by words only."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "gateway.yaml").write_text(
        yaml.safe_dump({"knowledge": {"store": str(tmp_path / "index"), "embeddings": "none"}})
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**inherited, "PYTHONPATH": str(ROOT), "GATEWAY_CONFIG_DIR": str(config)}


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "gateway", "ingest", str(folder)]


def run(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder), env=environment, cwd=folder.parent, capture_output=True, text=True, timeout=300, check=False
    )


async def contents(place: Path) -> list[tuple[str, int, str]]:
    """Every chunk's id, place and text, sorted; one that is there twice stands there twice."""
    store = await opened_for_reading(KnowledgeBase(store=str(place)))
    assert store is not None
    hits = await store.by_text("everywhere", 10 * FILES)
    state = await store.state()
    await store.aclose()
    assert state.chunks == len(hits)
    return sorted((hit.chunk.id, hit.chunk.ordinal, hit.chunk.text) for hit in hits)


def is_there(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def children(process: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


async def search_until(stop: asyncio.Event, reader: Store, found: list[int]) -> None:
    while not stop.is_set():
        found.append(len(await reader.by_text("everywhere", 5)))
        await asyncio.sleep(0.02)


def commits(index: Path) -> int:
    return len(list((index / "chunks.lance" / "_versions").glob("*.manifest")))


async def killed_at_random(folder: Path, environment: dict[str, str], chance: random.Random) -> bool:
    """Killed within a second of its first commit; whether it was running still. What read for it ends with it."""
    index = folder.parent / "index"
    before = commits(index)
    process = subprocess.Popen(
        command(folder), env=environment, cwd=folder.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while commits(index) <= before and process.poll() is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.random() * 0.3)
        helpers = children(process.pid)
        was_running = process.poll() is None
    finally:
        process.kill()
        process.wait()
    end = time.monotonic() + 60
    while any(is_there(helper) for helper in helpers):
        assert time.monotonic() < end, "a process outlived the ingest that started it"
        await asyncio.sleep(0.05)
    return was_running


async def test_after_kills_at_any_moment_nothing_is_lost_or_doubled(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "documents"
    write(folder, "first")
    assert run(folder, environment).returncode == 0
    write(folder, "second")
    for number in range(20):
        (folder / f"part{number % 7}" / f"d{number}.md").unlink()
    reader = await opened_for_reading(KnowledgeBase(store=str(tmp_path / "index"), refresh_seconds=0.01))
    assert reader is not None
    stop, found = asyncio.Event(), list[int]()
    searching = asyncio.create_task(search_until(stop, reader, found))
    chance = random.Random(7)
    interrupted = [await killed_at_random(folder, environment, chance) for _ in range(KILLS)]
    last = await asyncio.to_thread(run, folder, environment)
    stop.set()
    await searching
    await reader.aclose()
    assert last.returncode == 0, last.stderr
    assert any(interrupted), "no run was interrupted: the moments are too late"
    assert len(found) > KILLS
    assert set(found) == {5}, "a search found nothing while documents were replaced"

    clean = tmp_path / "clean"
    (tmp_path / "config" / "gateway.yaml").write_text(
        yaml.safe_dump({"knowledge": {"store": str(clean), "embeddings": "none"}})
    )
    assert run(folder, environment).returncode == 0
    expected = await contents(clean)
    assert len(expected) == len({id_ for id_, _, _ in expected}) >= FILES - 20
    assert await contents(tmp_path / "index") == expected


async def test_the_command_tells_what_it_did(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "good.md").write_text("# Good\n\nA text.")
    (folder / "empty.md").write_text("")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    first = run(folder, environment)
    assert first.returncode == 0
    assert first.stdout.startswith("1 taken (1 new, 0 changed), 0 unchanged, 0 dropped, 1 failed, in ")
    assert "  empty.md: it is empty\n" in first.stdout
    assert "1 files are of no kind that is read" in first.stdout
    assert "reading documents: 2 of 2" in first.stderr
    assert run(folder, environment).stdout.startswith("0 taken (0 new, 0 changed), 1 unchanged, 0 dropped, 1 failed")


def test_what_ends_it_is_told_in_a_line(tmp_path: Path, environment: dict[str, str]) -> None:
    missing = run(tmp_path / "missing", environment)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == f"The ingest ended: there is no folder {tmp_path / 'missing'}\n"
    assert not (tmp_path / "index").exists()

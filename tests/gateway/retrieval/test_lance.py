"""How an index is opened, in a folder and in an object storage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.retrieval.lance import opened, opened_for_reading
from gateway.retrieval.store import StoreError
from gateway.settings.schema import KnowledgeBase
from tests.support.gateway import ROOT
from tests.support.index import Storage, chunk


async def test_reading_makes_nothing(place: KnowledgeBase) -> None:
    assert await opened_for_reading(place) is None
    assert await opened_for_reading(place) is None
    written = await opened(place)
    read = await opened_for_reading(place)
    assert read is not None
    assert (await read.state()).chunks == 0
    await read.aclose()
    await written.aclose()


async def test_opening_again_changes_nothing(place: KnowledgeBase) -> None:
    first = await opened(place)
    await first.replace({"a": [chunk("a", 0, "words")]})
    second = await opened(place)
    assert await second.documents() == {"a": "1"}
    await first.aclose()
    await second.aclose()


def test_where_there_is_no_index_the_library_is_not_imported(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from gateway.retrieval.lance import opened_for_reading
from gateway.settings.schema import KnowledgeBase
assert asyncio.run(opened_for_reading(KnowledgeBase(store={str(tmp_path / "none")!r}))) is None
print([name for name in ("lancedb", "pyarrow", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert not (tmp_path / "none").exists()


async def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = await opened(KnowledgeBase(store="db_of mine"))
    await store.replace({"a": [chunk("a", 0, "words")]})
    await store.aclose()
    assert (tmp_path / "db_of mine" / "chunks.lance").is_dir()


async def test_options_come_from_the_environment(object_storage: Storage, tmp_path: Path) -> None:
    options = {**object_storage.options, "aws_secret_access_key": "os.environ/SECRET_OF_MINE"}
    settings = object_storage.settings(tmp_path.name).model_copy(update={"storage_options": options})
    store = await opened(settings, {"SECRET_OF_MINE": "test-secret"})
    await store.aclose()
    with pytest.raises(StoreError, match="environment variable SECRET_OF_MINE is not set"):
        await opened(settings, {})


async def test_a_storage_that_is_not_there_is_told_without_address_and_key(tmp_path: Path) -> None:
    options = {
        "endpoint": "http://127.0.0.1:9",
        "allow_http": "true",
        "aws_access_key_id": "test-id",
        "aws_secret_access_key": "test-secret",
        "region": "us-east-1",
        "client_max_retries": "0",
    }
    with pytest.raises(StoreError) as told:
        await opened_for_reading(KnowledgeBase(store="s3://nowhere/index", storage_options=options))
    assert str(told.value) == "the index in 's3://nowhere/index' can't be read: the storage can't be reached"


async def test_a_bucket_that_is_not_there_is_told(object_storage: Storage) -> None:
    settings = object_storage.settings("x").model_copy(update={"store": "s3://no-such-bucket-here/x"})
    with pytest.raises(StoreError, match="there is no such bucket"):
        await opened(settings)


async def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("not a folder")
    with pytest.raises(StoreError, match="can't be (read|written)"):
        await opened(KnowledgeBase(store=str(tmp_path / "index")))

"""An ingest as the command line asks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.retrieval.command import run, told
from gateway.retrieval.embedders import Models
from gateway.retrieval.ingest import Failure, IngestError, Summary
from gateway.retrieval.lance import opened_for_reading
from gateway.retrieval.progress import Quiet
from gateway.settings.schema import KnowledgeBase


@asynccontextmanager
async def no_models() -> AsyncGenerator[Models, None]:
    yield {}


async def test_embeddings_that_can_not_be_had_leave_the_texts(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.md").write_text("# Alpha\n\nText.")
    settings = KnowledgeBase(store=str(tmp_path / "index"), embeddings="some-model")
    summary = await run(tmp_path / "documents", settings, no_models, Quiet())
    assert "some-model" in summary.problem
    assert summary.new == 1
    store = await opened_for_reading(settings)
    assert store is not None
    assert len(await store.by_text("alpha", 1)) == 1
    await store.aclose()


async def test_a_missing_folder_makes_no_index(tmp_path: Path) -> None:
    settings = KnowledgeBase(store=str(tmp_path / "index"))
    with pytest.raises(IngestError, match="there is no folder"):
        await run(tmp_path / "missing", settings, no_models, Quiet())
    assert not (tmp_path / "index").exists()


def test_a_summary_tells_all_of_it() -> None:
    failed = [Failure("a.pdf", "it is encrypted", True), Failure("b.md", "it is empty", False)]
    summary = Summary(3, 2, 7, 1, 4, failed, 40, 12, "minilm, 384 dimensions", "it can't be asked", 1.26)
    assert told(summary).splitlines() == [
        "5 taken (3 new, 2 changed), 7 unchanged, 1 dropped, 2 failed, in 1.3 s",
        "40 chunks written, 12 texts embedded",
        "Embeddings: minilm, 384 dimensions",
        "4 files are of no kind that is read",
        "Embeddings are not complete: it can't be asked. Texts are found by their words meanwhile",
        "  a.pdf: it is encrypted; its earlier version stays",
        "  b.md: it is empty",
    ]


def test_many_failures_are_counted() -> None:
    lines = told(Summary(failed=[Failure(f"{n}.md", "it is empty", False) for n in range(60)])).splitlines()
    assert lines[-2:] == ["  49.md: it is empty", "  ... and 10 more"]

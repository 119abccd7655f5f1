"""What an ingest takes, leaves and drops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.retrieval.ingest import Failure, IngestError, Summary, ingest
from gateway.retrieval.progress import Quiet
from gateway.retrieval.store import Store
from gateway.retrieval.types import EmbedderError, Vector
from gateway.settings.schema import ChunkSizes, KnowledgeBase


class Lengths:
    """Embeds a text as its length; fails from the ``fails_at``-th text on."""

    def __init__(self, name: str = "lengths", dimension: int = 2, fails_at: int = 10_000) -> None:
        self.name, self.dimension, self.fails_at = name, dimension, fails_at
        self.embedded: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if len(self.embedded) + len(texts) >= self.fails_at:
            raise EmbedderError("it has had enough")
        self.embedded += texts
        return [[float(len(text))] + [1.0] * (self.dimension - 1) for text in texts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    (made / "sales").mkdir(parents=True)
    (made / "a.md").write_text("# Alpha\n\nThe first letter.")
    (made / "sales" / "b.md").write_text("# Beta\n\nThe second letter.")
    return made


async def run(folder: Path, store: Store, embedder: Lengths | None = None, **options: bool) -> Summary:
    return await ingest(folder, store, embedder, KnowledgeBase(), Quiet(), **options)


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.new, summary.changed, summary.unchanged, summary.dropped


async def test_only_what_changed_is_taken(folder: Path, store: Store) -> None:
    assert counts(await run(folder, store)) == (2, 0, 0, 0)
    assert counts(await run(folder, store)) == (0, 0, 2, 0)
    (folder / "a.md").write_text("# Alpha\n\nChanged.")
    (folder / "c.txt").write_text("A third.")
    (folder / "sales" / "b.md").unlink()
    assert counts(await run(folder, store)) == (1, 1, 0, 1)
    assert set(await store.documents()) == {"a.md", "c.txt"}
    assert [hit.chunk.text for hit in await store.by_text("alpha", 5)] == ["Changed."]
    state = await store.state()
    assert state.ingested is not None
    assert state.chunks == 2


async def test_other_sizes_make_other_chunks(folder: Path, store: Store) -> None:
    await run(folder, store)
    sizes = KnowledgeBase(chunk_characters=ChunkSizes(target=100, most=200))
    summary = await ingest(folder, store, None, sizes, Quiet())
    assert counts(summary) == (0, 2, 0, 0)


async def test_a_file_that_can_not_be_read_is_named_and_its_earlier_version_stays(folder: Path, store: Store) -> None:
    await run(folder, store)
    (folder / "a.md").write_text("")
    (folder / "new.md").write_bytes(b"\x00\x01\x02" * 50)
    (folder / "notes.xyz").write_text("of no kind")
    summary = await run(folder, store)
    assert [(failure.key, failure.kept) for failure in summary.failed] == [("a.md", True), ("new.md", False)]
    assert summary.failed[0] == Failure("a.md", "it is empty", True)
    assert (summary.skipped, summary.dropped) == (1, 0)
    assert "a.md" in await store.documents()


async def test_a_missing_or_empty_folder_empties_nothing(folder: Path, store: Store, tmp_path: Path) -> None:
    await run(folder, store)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "picture.png").write_bytes(b"x")
    for place in ("missing", "empty"):
        with pytest.raises(IngestError):
            await run(tmp_path / place, store)
    assert len(await store.documents()) == 2
    summary = await run(tmp_path / "empty", store, allow_empty=True)
    assert summary.dropped == 2
    assert await store.documents() == {}


async def test_texts_are_embedded_once(folder: Path, store: Store) -> None:
    first = Lengths()
    summary = await run(folder, store, first)
    assert (summary.embedded, summary.embeddings, summary.problem) == (2, "lengths, 2 dimensions", "")
    (folder / "a.md").write_text("# Alpha\n\nChanged.")
    second = Lengths()
    assert (await run(folder, store, second)).embedded == 1
    assert ["Changed." in text for text in second.embedded] == [True]
    assert (await run(folder, store, Lengths(fails_at=0))).embedded == 0
    assert (await store.state()).embedded == 2


async def test_an_embedder_that_fails_leaves_texts_and_the_old_embeddings(folder: Path, store: Store) -> None:
    await run(folder, store, Lengths("old"))
    (folder / "c.md").write_text("# Gamma\n\nThe third letter.")
    summary = await run(folder, store, Lengths("new", 3, fails_at=1))
    assert summary.problem == "it has had enough"
    assert len(await store.by_text("gamma", 5)) == 1
    state = await store.state()
    assert state.active is not None
    assert state.active.model == "old"
    assert len(await store.by_vector([1.0, 1.0], 5)) == 2


async def test_another_model_embeds_all_anew_and_then_serves(folder: Path, store: Store) -> None:
    await run(folder, store, Lengths("old"))
    new = Lengths("new", 3)
    assert (await run(folder, store, new)).embedded == 2
    active = (await store.state()).active
    assert active is not None
    assert (active.model, active.dimension) == ("new", 3)


async def test_vectors_of_another_dimension_are_refused(folder: Path, store: Store) -> None:
    class Wrong(Lengths):
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            return [[1.0, 2.0, 3.0] for _ in texts]

    summary = await run(folder, store, Wrong())
    assert summary.problem == "lengths answered other vectors than 2 numbers a text"
    assert (await store.state()).active is None

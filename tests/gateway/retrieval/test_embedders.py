import math
from collections.abc import Sequence

import pytest

from gateway.retrieval import local_embedder
from gateway.retrieval.embedders import BATCH, TEXT_ONLY, ModelEmbedder, chosen, describe, embedder_for, matching
from gateway.retrieval.local_embedder import DIMENSION, NAME, LocalEmbedder
from gateway.retrieval.types import EmbedderError, Vector


class Upstream:
    """Answers vectors of three dimensions, and keeps what it was asked."""

    def __init__(self, vector: Vector = (3.0, 0.0, 4.0), missing: int = 0, error: Exception | None = None) -> None:
        self.asked: list[list[str]] = []
        self.vector, self.missing, self.error = vector, missing, error

    async def __call__(self, texts: Sequence[str], /) -> Sequence[Vector]:
        self.asked.append(list(texts))
        if self.error:
            raise self.error
        return [self.vector] * (len(texts) - self.missing)


async def test_vectors_are_brought_to_length_one_and_tell_the_dimension() -> None:
    embedder = ModelEmbedder("small", Upstream())
    assert "not yet known" in embedder.describe()
    assert await embedder.embed(["a"]) == [[0.6, 0.0, 0.8]]
    assert embedder.dimension == 3
    assert embedder.describe() == "small, 3 dimensions, by its provider"


async def test_texts_go_in_batches_in_their_order() -> None:
    upstream = Upstream()
    texts = [f"text {number}" for number in range(2 * BATCH + 1)]
    assert len(await ModelEmbedder("small", upstream).embed(texts)) == len(texts)
    assert [text for batch in upstream.asked for text in batch] == texts
    assert max(map(len, upstream.asked)) == BATCH


async def test_a_provider_is_never_sent_nothing_nor_what_json_can_t_hold() -> None:
    upstream = Upstream()
    await ModelEmbedder("small", upstream).embed(["", "a\ud800", "x" * 1_000_000])
    (sent,) = upstream.asked
    assert all(sent)
    assert all(len(text) <= 8_000 and text.encode() for text in sent)


@pytest.mark.parametrize(
    ("upstream", "words"),
    [
        (Upstream(missing=1), "1 vectors to 2 texts"),
        (Upstream(vector=(0.0, 0.0)), "without a direction"),
        (Upstream(vector=(math.nan, 1.0)), "without a direction"),
        (Upstream(vector=()), "without a direction"),
        (Upstream(vector=(1.0, 1.0, 1.0, 1.0)), "4 dimensions where it has 3"),
        (Upstream(error=RuntimeError("key sk-123")), "RuntimeError"),
    ],
    ids=["too few", "zero", "not a number", "empty", "another dimension", "failing"],
)
async def test_what_can_t_be_used_is_refused_in_words(upstream: Upstream, words: str) -> None:
    with pytest.raises(EmbedderError, match=words) as raised:
        await ModelEmbedder("small", upstream, 3).embed(["a", "b"])
    assert "sk-123" not in str(raised.value)


def test_auto_prefers_the_first_model_then_this_machine_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"small": Upstream(), "large": Upstream()}
    assert describe(chosen("auto", models)).startswith("small")
    assert isinstance(chosen("auto", {}), LocalEmbedder)
    monkeypatch.setattr(local_embedder, "is_installed", lambda: False)
    assert chosen("auto", {}) is None
    assert describe(None) == TEXT_ONLY


def test_what_is_asked_for_by_name_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"small": Upstream(), "large": Upstream()}
    assert chosen("none", models) is None
    assert isinstance(chosen("local", models), LocalEmbedder)
    assert describe(chosen("large", models)).startswith("large")
    with pytest.raises(EmbedderError, match=r"no model 'other'.*small, large"):
        chosen("other", models)
    monkeypatch.setattr(local_embedder, "is_installed", lambda: False)
    with pytest.raises(EmbedderError, match="make ingest"):
        chosen("local", models)


def test_an_index_is_asked_with_its_own_embeddings_only() -> None:
    models = {"small": Upstream()}
    assert isinstance(matching(NAME, DIMENSION, models), LocalEmbedder)
    assert matching(NAME, DIMENSION + 1, models) is None
    found = matching("small", 3, models)
    assert found is not None
    assert (found.name, found.dimension) == ("small", 3)
    assert matching("large", 3, models) is None


async def test_an_ingest_s_embedder_knows_its_dimension_from_the_start() -> None:
    async with embedder_for("small", {"small": Upstream()}) as embedder:
        assert embedder is not None
        assert embedder.dimension == 3
    async with embedder_for("none", {}) as embedder:
        assert embedder is None


async def test_an_unreachable_model_is_told_before_an_ingest_begins() -> None:
    with pytest.raises(EmbedderError, match="ConnectionError"):
        async with embedder_for("small", {"small": Upstream(error=ConnectionError())}):
            pass

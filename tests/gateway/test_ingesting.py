"""The ingest command's own wiring: a configured model's embeddings, where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gateway.ingesting import ingest_folder
from gateway.settings import load


@pytest.mark.parametrize("embeddings", ["none", "auto"])
def test_without_a_key_no_model_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embeddings: str) -> None:
    monkeypatch.setattr("gateway.ingesting.os.nice", lambda _by: 0)
    monkeypatch.setattr("gateway.retrieval.local_embedder.is_installed", lambda: False)
    (tmp_path / "gateway.yaml").write_text(
        yaml.safe_dump({"knowledge": {"store": str(tmp_path / "index"), "embeddings": embeddings}})
    )
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.md").write_text("# Alpha\n\nText.")
    settings = load({"GATEWAY_CONFIG_DIR": str(tmp_path)})
    summary = ingest_folder(settings, tmp_path / "documents", allow_empty=False)
    assert (summary.new, summary.embedded, summary.problem) == (1, 0, "")
    assert summary.embeddings == "none: found by their words only"

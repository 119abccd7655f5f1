"""A short run of the bench with this gateway alone: every part of it works; its figures are not judged."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import bench.__main__ as command
from bench import measure
from bench.measure import Size
from bench.process import cpu_seconds, resident_mb, tree
from bench.rows import ROWS

SHORT = Size(rounds=1, seconds=0.1, warm=0.02, starts=1, streams=10, mixed=100, mixed_others=10)


def test_a_run_measures_the_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "QUICK", SHORT)
    files = {name: tmp_path / name for name in ("json", "markdown", "picture")}
    arguments = [part for name, file in files.items() for part in (f"--{name}", str(file))]
    sections = "chat,streams,ivy,memory,start"
    assert command.main(["--quick", "--targets", "gateway", "--only", sections, *arguments]) == 0
    found = json.loads(files["json"].read_text())
    assert [(line["id"], line["callers"]) for line in found["lines"]] == [(row.id, n) for row in ROWS for n in (1, 32)]
    for line in found["lines"]:
        assert line["cells"]["gateway"]["failed"] == 0, line
        assert line["cells"]["gateway"]["rate"] > 0
        assert line["gains"] == {}
    assert found["memory"]["gateway"]["failed"] == 0, found["memory"]
    assert found["memory"]["gateway"]["after_mb"] > 50
    assert found["ready"]["gateway"] > 0
    assert "| plain chat, OpenAI's wire | 1 |" in files["markdown"].read_text()
    assert files["picture"].read_text().startswith("<svg")


@pytest.mark.parametrize("wrong", [["--only", "chat,walk"], ["--targets", "nobody"]])
def test_an_unknown_part_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(wrong)
    assert "not one of" in capsys.readouterr().err


def test_the_mixed_requests_are_the_same_each_time_and_of_all_kinds() -> None:
    made = measure.mixed()
    assert made == measure.mixed()
    assert {row.section for row in made} == {"chat", "streams", "ivy"}
    assert {row.modal for row in made} == {True, False}
    assert len({row.user for row in made}) > 100
    failing = [row for row in made if row.model]
    assert {row.wire for row in failing} == {"openai", "gemini"}
    assert all(int(row.model[-1]) % 2 == (row.wire == "gemini") for row in failing)


def test_a_process_s_tree_is_counted() -> None:
    import os

    assert os.getpid() in tree(os.getppid())
    assert cpu_seconds(os.getpid()) > 0
    assert resident_mb(os.getpid()) > 1
    assert math.isclose(resident_mb(2**22 + 1), 0)

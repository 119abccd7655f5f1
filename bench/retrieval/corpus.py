"""What is searched: what ruff, which the tests install, explains of each of its rules, a Markdown document a rule; and
the example knowledge base."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

RUFF = Path(sys.executable).with_name("ruff")
EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "knowledge"


def rules() -> list[dict[str, Any]]:
    """As ruff gives them: ``code`` (None for some), ``name``, ``linter``, ``summary``, ``explanation`` (Markdown)."""
    done = subprocess.run([RUFF, "rule", "--all", "--output-format", "json"], capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def label(rule: dict[str, Any]) -> str:
    """What questions.yaml calls it by."""
    return str(rule["code"] or rule["name"])


def write(folder: Path) -> int:
    """Write each rule into ``folder``, in a folder for its linter, named for its label; how many there are."""
    found = rules()
    for rule in found:
        path = folder / _folder(rule["linter"] or "ruff") / f"{label(rule)}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(rule), encoding="utf-8")
    return len(found)


def document(rule: dict[str, Any]) -> str:
    """Markdown: the name and code, the message it gives, and the explanation."""
    code = f" ({rule['code']})" if rule["code"] else ""
    title = f"{rule['name'].replace('-', ' ').capitalize()}{code}"
    of = f"Rule `{rule['name']}` of {rule['linter'] or 'ruff'}"
    return f"# {title}\n\n{of}. {rule['summary']}.\n\n{rule['explanation']}"


def copy(folder: Path) -> int:
    """Copy the example knowledge base into ``folder``; how many documents it has."""
    shutil.copytree(EXAMPLE, folder)
    return sum(path.is_file() for path in folder.rglob("*.md"))


class Corpus(NamedTuple):
    """Documents, the file of the questions on them, and whether promises are held against it."""

    name: str
    questions: str
    write: Callable[[Path], int]
    promised: bool


CORPORA = (
    Corpus("the rules of ruff", "questions.yaml", write, promised=True),
    Corpus("the example knowledge base", "example.yaml", copy, promised=False),
)


def _folder(linter: str) -> str:
    return linter.lower().replace(" ", "-")

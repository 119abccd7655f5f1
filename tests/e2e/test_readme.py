"""What the README says of adding to the gateway, done as it says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.double.client import Double
from tests.support.gateway import ROOT, GatewayProcess
from tests.support.ivy import LEAD, ask

README = (ROOT / "README.md").read_text()


def blocks(title: str, language: str) -> list[str]:
    """The section's blocks of code in a language."""
    section = README.partition(f"### {title}\n")[2].partition("\n### ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to add to."""
    for name in ("gateway", "policies", "config"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "project"


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text().rstrip("\n") + "\n" + text)


def started(start: Start, project: Path) -> GatewayProcess:
    """A gateway of the copy, with its configuration."""
    return start(env={"PYTHONPATH": str(project), "GATEWAY_CONFIG_DIR": str(project / "config")})


def test_a_rule(start: Start, project: Path, provider: Double) -> None:
    (rule,) = blocks("A rule", "yaml")
    append(project / "config" / "rules.yaml", rule)
    gateway = started(start, project)
    for query in ("Is the ship sinking?", "Are there any serious leaks?"):
        assert ask(gateway, query=query, context={"lead": LEAD}).json()["modal"]["type"] == "risks"


def test_a_modal_type(start: Start, project: Path, provider: Double) -> None:
    (schema,) = blocks("A modal type", "json")
    kind, rule = blocks("A modal type", "yaml")
    (project / "config" / "schemas" / "objections.json").write_text(schema)
    append(project / "config" / "modals.yaml", kind)
    append(project / "config" / "rules.yaml", rule)
    gateway = started(start, project)
    provider.script("any", {"kind": "status", "status": 503}, then="repeat")
    context = {"lead": {**LEAD, "aiInsights": ["Finds it dear"]}}
    modal = ask(gateway, query="What objections should I expect?", context=context).json()["modal"]
    assert modal["type"] == "objections"
    assert modal["payload"]["title"] == "Objections of Maya Chen"
    assert modal["payload"]["objections"] == ["Finds it dear", "Ask what would have to be true for a yes."]


def test_an_action(start: Start, project: Path, provider: Double) -> None:
    (action,) = blocks("An action", "yaml")
    append(project / "config" / "actions.yaml", action)
    gateway = started(start, project)
    offered = ask(gateway, query="Draft a quotation for her").json()["actions"]
    assert {"label": "Write quote", "action": "open_quote_editor"} in offered


def test_a_policy(start: Start, project: Path, provider: Double) -> None:
    (code,) = blocks("A policy", "python")
    (entry,) = blocks("A policy", "yaml")
    (project / "policies" / "signature.py").write_text(code)
    registry = project / "policies" / "__init__.py"
    text = registry.read_text().replace("\n#: The names", "from policies.signature import Signature\n\n#: The names", 1)
    registry.write_text(text.replace("] = {\n", '] = {\n    "signature": Signature,\n', 1))
    listed = project / "config" / "gateway.yaml"
    listed.write_text(listed.read_text().replace("\npolicies:\n", f"\npolicies:\n{entry}", 1))
    gateway = started(start, project)
    answer = ask(gateway, query="[[say:Yes.]]").json()["answer_markdown"]
    assert answer == "Yes.\n\nAsk me for the next step."
    assert ask(gateway, query="[[say:Yes.]]", stream=True).text.count("Ask me for the next step.") == 2

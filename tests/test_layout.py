"""The shape of the project: who may import whom, tests that mirror the source, files of a readable size."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for top in ("gateway", "policies") for path in (ROOT / top).rglob("*.py"))
#: Modules of declarations only; what they declare is tested where it is used.
DECLARATIONS = {
    "gateway/retrieval/types.py",
    "gateway/retrieval/store.py",
    "gateway/contract/knowledge.py",
    "gateway/engine.py",
    "gateway/upstream/deployment.py",
    "gateway/http/openapi/form_rows.py",
    "gateway/http/openapi/kept_replies.py",
    "gateway/http/openapi/native_rows.py",
    "gateway/http/openapi/own_replies.py",
    "gateway/http/openapi/own_rows.py",
    "gateway/http/openapi/replies.py",
    "gateway/http/openapi/row.py",
    "gateway/http/schema/fields.py",
    "gateway/http/schema/messages.py",
    "gateway/http/schema/options.py",
}
LONGEST_FILE = 300
#: For each part: the parts of the project, and the libraries, that it must not import.
FORBIDDEN = {
    "policies/": ("gateway.!contract", "starlette", "litellm", "uvicorn", "aiohttp"),
    "gateway/contract/": ("gateway.!contract", "policies", "starlette", "litellm"),
    "gateway/settings/": ("gateway.!settings", "policies", "starlette", "litellm"),
    "gateway/upstream/": ("gateway.http", "gateway.lanes", "gateway.pipeline", "policies", "starlette", "litellm"),
    "gateway/lanes/": ("gateway.http", "gateway.pipeline", "policies", "starlette"),
    "gateway/localmodel/": ("gateway.!localmodel", "policies", "starlette", "litellm"),
    "gateway/http/": ("gateway.lanes", "policies", "litellm"),
    "gateway/pipeline.py": ("gateway.http", "gateway.lanes", "policies", "starlette", "litellm"),
    "gateway/": (),
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported when the file runs; what is imported for its types only does not count."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def breaks(module: str, rule: str) -> bool:
    """``a.!b`` forbids all of ``a`` but ``a.b``."""
    package, _, allowed = rule.partition(".!")
    inside = module == package or module.startswith(f"{package}.")
    return inside and not (allowed and module.startswith(f"{package}.{allowed}"))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    rules = next(rules for prefix, rules in FORBIDDEN.items() if name(path).startswith(prefix)) if FORBIDDEN else ()
    own = name(path).removesuffix(".py").replace("/", ".")
    for module in imports(path):
        for rule in rules:
            assert not breaks(module, rule), f"{name(path)} imports {module}"
        if own.startswith("policies.") and own != "policies.__init__":
            mine = (".".join(own.split(".")[:2]) + ".", "policies.common.")
            assert not module.startswith("policies.") or module.startswith(mine), f"{name(path)} imports another policy"
        if module.partition(".")[0] == "litellm":
            assert name(path).startswith("gateway/lanes/"), f"{name(path)} imports litellm"
        if module.partition(".")[0] == "policies":
            assert name(path).startswith("policies/") or name(path) == "gateway/assembly.py"


def test_the_rules_above_can_fail() -> None:
    assert breaks("gateway.http.auth", "gateway.!contract")
    assert not breaks("gateway.contract.Call", "gateway.!contract")
    assert breaks("litellm", "litellm")
    assert not breaks("litellmish", "litellm")


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "__init__.py"], ids=name)
def test_each_source_file_has_its_tests(path: Path) -> None:
    if name(path) in DECLARATIONS:
        return
    stem = path.stem.strip("_")
    mirror = ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{stem}.py"
    assert mirror.exists(), f"{mirror.relative_to(ROOT)} is missing"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_are_of_a_readable_size(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_lock_files_pin_every_package_by_hash_and_name_no_address() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert "--index" not in text
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in line for line in pinned)
        assert text.count("--hash=sha256:") >= len(pinned) > 50


@pytest.mark.parametrize("folder", ["bench/portkey", "tests/clients/node"])
def test_node_s_lock_files_name_no_address_either(folder: str) -> None:
    text = (ROOT / folder / "package-lock.json").read_text()
    assert "://" not in text
    assert text.count('"integrity": "sha512-') == text.count('"node_modules/') > 0

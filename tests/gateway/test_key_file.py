from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from gateway.key_file import KeyFile
from gateway.keys import digest
from gateway.settings import ConfigError
from gateway.settings.keys import read

NAMES = ("flash", "mini")
A, B = "sha256:" + "aa" * 32, "sha256:" + "bb" * 32
WRITTEN = f"""\
# who is who

keys:
    # the first one
    - name: a   # of the CRM
      hash: {A}
      models:
        - mini
    # the second one
    - hash: {B}
      name: b
# the end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "keys.yaml"


def written(path: Path, text: str = WRITTEN) -> KeyFile:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return KeyFile(path, NAMES)


def names(path: Path) -> list[str]:
    return [key.name for key in read(path, NAMES) or ()]


def test_a_new_file_is_its_owner_s_only_and_holds_the_hash(path: Path) -> None:
    secret = KeyFile(path, NAMES).add("crm", user="ann", models=["mini"], expires=datetime.date(2027, 1, 31))
    assert re.fullmatch(r"sk-ivy-[A-Za-z0-9_-]{43}", secret)
    assert path.stat().st_mode & 0o777 == 0o600
    ((key),) = read(path, NAMES) or ()
    assert (key.digest, key.user, key.org, key.models) == (digest(secret.encode()), "ann", None, ("mini",))
    assert key.expires == datetime.date(2027, 1, 31)
    assert isinstance(key.created, datetime.datetime)
    assert secret not in path.read_text()


def test_no_two_keys_are_the_same(path: Path) -> None:
    file = KeyFile(path, NAMES)
    assert len({file.add(f"k{number}") for number in range(20)}) == 20


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN,
        WRITTEN.rstrip("\n"),
        "",
        "# nothing yet\n",
        "keys:\n",
        "keys: []\n",
        "keys: []  # none",
        "keys:\n- name: a\n  hash: " + A,
    ],
    ids=[
        "two",
        "no last line end",
        "empty",
        "a comment",
        "no value",
        "an empty list",
        "a comment behind",
        "not indented",
    ],
)
def test_what_was_there_stays_as_it_was(path: Path, text: str) -> None:
    file = written(path, text)
    old = names(path)
    file.add("new")
    assert names(path) == [*old, "new"]
    for line in text.splitlines():
        if not line.startswith("keys: []"):
            assert line in path.read_text().splitlines()
    file.revoke("new")
    assert names(path) == old


@pytest.mark.parametrize(("gone", "lost"), [("a", ["name: a ", A, "- mini"]), ("b", ["name: b", B])])
def test_only_the_lines_of_a_revoked_key_go(path: Path, gone: str, lost: list[str]) -> None:
    written(path).revoke(gone)
    left = path.read_text()
    assert names(path) == [name for name in ("a", "b") if name != gone]
    assert not any(piece in left for piece in lost)
    for comment in ("# who is who", "# the first one", "# the second one", "# the end"):
        assert comment in left


def test_a_list_in_one_line_is_left_alone(path: Path) -> None:
    text = f"keys: [{{name: a, hash: '{A}'}}, {{name: b, hash: '{B}'}}]\n"
    file = written(path, text)
    for change in (lambda: file.add("c"), lambda: file.revoke("a")):
        with pytest.raises(ConfigError):
            change()
        assert path.read_text() == text


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("a", {}, "there is a key 'a' already"),
        ("", {}, "'keys.2.name'"),
        ("x: y", {}, "'keys.2.name'"),
        ("c", {"models": ["min"]}, "names the model 'min', which 'model_list' does not have; did you mean 'mini'?"),
        ("c", {"tokens_per_minute": 0}, "'keys.2.tokens_per_minute'"),
        ("c", {"user": ""}, "'keys.2.user'"),
    ],
)
def test_a_key_that_would_be_wrong_is_not_made(path: Path, name: str, fields: dict[str, object], told: str) -> None:
    file = written(path)
    with pytest.raises(ConfigError, match=re.escape(told)):
        file.add(name, **fields)
    assert path.read_text() == WRITTEN


def test_a_name_that_is_none_is_told_with_the_nearest(path: Path) -> None:
    KeyFile(path, NAMES).add("crm")
    with pytest.raises(ConfigError, match="there is no key 'cmr'; did you mean 'crm'"):
        KeyFile(path, NAMES).revoke("cmr")


def test_a_wrong_file_is_not_edited(path: Path) -> None:
    file = written(path, "keys:\n  - name: a\n")
    for change in (lambda: file.add("b"), lambda: file.revoke("a"), file.listing):
        with pytest.raises(ConfigError, match="'keys.0.hash' is missing"):
            change()


def test_an_old_file_keeps_its_mode_and_a_link_its_target(path: Path) -> None:
    file = written(path)
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    KeyFile(link, NAMES).add("c")
    assert (path.stat().st_mode & 0o777, link.is_symlink(), names(path)) == (0o640, True, ["a", "b", "c"])
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []
    assert file.listing().count("\n") == 2


def test_the_list_tells_all_but_the_hash(path: Path) -> None:
    file = KeyFile(path, NAMES)
    assert "There are no keys" in file.listing()
    file.add("crm", user="ann", org="acme", models=["mini"], tokens_per_minute=5, expires=datetime.date(2020, 1, 1))
    told = file.listing()
    assert told.startswith("crm: user ann; org acme; models mini; tokens a minute 5; expired 2020-01-01; created ")
    assert "sha256" not in told and (read(path, NAMES) or ())[0].digest not in told

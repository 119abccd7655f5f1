from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import ConfigError
from gateway.settings.keys import Key, read

HASH = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
NAMES = ("flash", "mini")


def keys(folder: Path, text: str) -> tuple[Key, ...] | None:
    (folder / "keys.yaml").write_text(text)
    return read(folder / "keys.yaml", NAMES)


def wrong(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        keys(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_no_file_is_no_keys_and_an_empty_one_holds_none(tmp_path: Path) -> None:
    assert read(tmp_path / "keys.yaml", NAMES) is None
    for text in ("", "keys:\n", "keys: []\n", "# keys\n"):
        assert keys(tmp_path, text) == ()


def test_a_key_has_its_fields(tmp_path: Path) -> None:
    text = f"""\
keys:
  - name: crm
    hash: {HASH}
    user: Ann B.
    org: acme
    models: [default, mini]
    requests_per_minute: 60
    tokens_per_minute: 100000
    expires: 2027-01-31
    created: 2026-01-31T10:00:00Z
  - {{name: other, hash: "{OTHER}", expires: 2027-01-31 10:00:00}}
"""
    found = keys(tmp_path, text)
    assert found is not None
    crm, other = found
    assert (crm.user, crm.org, crm.models) == ("Ann B.", "acme", ("default", "mini"))
    assert (crm.requests_per_minute, crm.tokens_per_minute, crm.digest) == (60, 100_000, "ab" * 32)
    assert [str(key.until) for key in found] == ["2027-01-31 00:00:00+00:00", "2027-01-31 10:00:00+00:00"]
    assert (other.user, other.models, other.requests_per_minute) == (None, None, None)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("nmae: a", "keys.yaml:4: unknown key 'keys.0.nmae'; did you mean 'name'?"),
        ("tokens_per_minute: many", "keys.yaml:4: 'keys.0.tokens_per_minute': expected a valid integer, got a text"),
        ("tokens_per_minute: 0", "keys.yaml:4: 'keys.0.tokens_per_minute': expected greater than or equal to 1, got 0"),
        ("models: [mini, flsh]", "keys.yaml:4: 'a' names the model 'flsh', which 'model_list' does not have; did you"),
        ("models: []", "keys.yaml:4: 'keys.0.models': "),
        ("expires: soon", "keys.yaml:4: 'keys.0.expires.datetime': "),
        ('user: "a\\tb"', "keys.yaml:4: 'keys.0.user': "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, lines: str, told: str) -> None:
    assert told in wrong(tmp_path, f"keys:\n  - name: a\n    hash: {HASH}\n    {lines}\n")


@pytest.mark.parametrize("value", ["sk-ivy-secret-of-someone", "sha256:" + "AB" * 32, "sha256:ab", "12345678901"])
def test_what_stands_in_a_hash_s_place_is_not_shown(tmp_path: Path, value: str) -> None:
    told = wrong(tmp_path, f"keys:\n  - name: a\n    hash: {value}\n")
    assert told.startswith("keys.yaml:3: 'keys.0.hash': ")
    assert value not in told


def test_two_keys_have_no_name_and_no_hash_in_common(tmp_path: Path) -> None:
    told = wrong(tmp_path, f"keys:\n  - {{name: a, hash: '{HASH}'}}\n  - {{name: a, hash: '{HASH}'}}\n")
    assert told.splitlines() == [
        "keys.yaml:3: the name of 'a' is another key's too",
        "keys.yaml:3: the hash of 'a' is another key's too",
    ]
    assert HASH not in told


def test_a_place_that_can_t_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").mkdir()
    with pytest.raises(ConfigError, match="can't be read"):
        read(tmp_path / "keys.yaml", NAMES)

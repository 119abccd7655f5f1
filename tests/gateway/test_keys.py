from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.keys import LOOK_SECONDS, Keys, digest, expired
from gateway.settings.keys import Key, read
from tests.support.asgi import Lines
from tests.support.fakes import Clock

NAMES = ("flash", "mini")
LONG_AGO = 1_600_000_000


def entry(name: str, secret: str, **more: Any) -> str:
    lines = {"name": name, "hash": f"sha256:{digest(secret.encode())}", **more}
    return "  - " + "\n    ".join(f"{field}: {value}" for field, value in lines.items()) + "\n"


class Kept:
    """A file of keys and what is read of it, with a clock."""

    def __init__(self, path: Path, text: str | None) -> None:
        self.path = path
        self.clock = Clock()
        self.log = Lines()
        self.written = 0
        if text is not None:
            self.write(text)
        self.keys = Keys(path, NAMES, self.log, read(path, NAMES) if text is not None else None, self.clock)

    def write(self, text: str) -> None:
        """Each time at a time of its own, long ago, so that the file is not fresh."""
        self.path.write_text(text)
        self.written += 1
        os.utime(self.path, (LONG_AGO + self.written, LONG_AGO + self.written))

    def known(self, *secrets: str) -> list[str]:
        """Those of them that are keys, after a look at the file."""
        self.clock.advance(LOOK_SECONDS)
        self.keys.look()
        return [secret for secret in secrets if self.keys.find(digest(secret.encode()))]


ONE, TWO = entry("one", "secret-1"), entry("two", "secret-2")
BOTH = ("secret-1", "secret-2")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "keys.yaml", "keys:\n" + ONE + TWO)


def test_a_key_is_found_by_its_hash_only(kept: Kept) -> None:
    found = kept.keys.find(digest(b"secret-1"))
    assert found is not None and found.name == "one"
    for other in (b"", b"secret-3", b"one", found.hash.encode(), found.digest.encode()):
        assert kept.keys.find(digest(other)) is None


def test_what_is_taken_out_is_revoked_and_what_is_added_counts(kept: Kept) -> None:
    assert kept.known(*BOTH) == list(BOTH)
    kept.write("keys:\n" + TWO + entry("three", "secret-3"))
    assert kept.known(*BOTH, "secret-3") == ["secret-2", "secret-3"]
    (line,) = kept.log.of("keys_changed")
    assert (line["added"], line["revoked"], line["keys"]) == (["three"], ["one"], 2)


def test_the_file_is_looked_at_once_a_second(kept: Kept) -> None:
    kept.known()
    kept.write("keys:\n" + ONE)
    kept.clock.advance(LOOK_SECONDS / 2)
    kept.keys.look()
    assert kept.keys.find(digest(b"secret-2"))
    assert kept.known(*BOTH) == ["secret-1"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "keys:\n", "keys: []\n"])
def test_an_empty_file_revokes_all_and_goes_on_asking_for_a_key(kept: Kept, text: str) -> None:
    kept.write(text)
    assert kept.known(*BOTH) == []
    assert kept.keys.required


def test_a_file_that_is_gone_revokes_all_and_goes_on_asking_for_a_key(kept: Kept) -> None:
    kept.known()
    kept.path.unlink()
    assert kept.known(*BOTH) == []
    assert kept.keys.required
    kept.write("keys:\n" + ONE)
    assert kept.known(*BOTH) == ["secret-1"]


def test_no_key_is_asked_for_until_there_is_a_file(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "keys.yaml", None)
    assert (kept.known(*BOTH), kept.keys.required) == ([], False)
    kept.write("keys:\n" + ONE)
    assert (kept.known(*BOTH), kept.keys.required) == (["secret-1"], True)


@pytest.mark.parametrize(
    "text",
    [
        "keys:\n" + ONE + "  - nmae: [slip\n",
        "keys:\n" + ONE + "  - name: three\n",
        "keys:\n" + ONE + ONE,
        "kees:\n" + ONE,
        "keys:\n" + ONE + entry("three", "secret-3", models="[flsh]"),
        "keys:\n" + ONE + "  # " + TWO.replace("\n", "\n  # ") + "\n  - x\n",
    ],
)
def test_a_wrong_file_adds_nothing_and_keeps_only_what_it_still_holds(kept: Kept, text: str) -> None:
    kept.write(text)
    assert kept.known(*BOTH, "secret-3") == ["secret-1"]
    (line,) = kept.log.of("keys_file_wrong")
    assert (line["level"], "keys.yaml:" in line["detail"]) == ("error", True)
    assert digest(b"secret-1") not in str(kept.log.lines)
    kept.known()
    assert len(kept.log.of("keys_file_wrong")) == 1
    kept.write("keys:\n" + ONE + TWO)
    assert kept.known(*BOTH) == list(BOTH)


def test_a_file_that_can_t_be_read_tells_of_nobody_s_key(kept: Kept) -> None:
    kept.known()
    kept.path.write_bytes(b"\xff\xfe")
    assert kept.known(*BOTH) == list(BOTH)
    kept.path.unlink()
    kept.path.mkdir()
    assert kept.known(*BOTH) == list(BOTH)
    assert len(kept.log.of("keys_file_wrong")) == 2


def test_a_second_change_within_a_tick_of_the_file_system_s_clock_is_seen(kept: Kept) -> None:
    kept.known()
    kept.path.write_text("keys:\n" + ONE + TWO)
    fresh = kept.path.stat()
    assert kept.known(*BOTH) == list(BOTH)
    kept.path.write_text("keys:\n" + ONE + TWO.replace(digest(b"secret-2"), digest(b"secret-4")))
    os.utime(kept.path, ns=(fresh.st_atime_ns, fresh.st_mtime_ns))
    assert kept.known(*BOTH) == ["secret-1"]


@pytest.mark.parametrize(
    ("expires", "gone"),
    [
        (None, False),
        (datetime.date(2026, 1, 31), True),
        (datetime.date(2026, 2, 1), False),
        (datetime.datetime(2026, 1, 31, 12), True),
        (datetime.datetime(2026, 1, 31, 12, 0, 1), False),
        (datetime.datetime(2026, 1, 31, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1))), True),
    ],
    ids=str,
)
def test_a_key_expires_with_the_first_moment_of_what_it_says(expires: Any, gone: bool) -> None:
    key = Key(name="a", hash=f"sha256:{'0' * 64}", expires=expires)
    assert expired(key, datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)) == gone

"""The virtual keys in force: found by the hash of what a caller presents, read again when their file changes."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.settings.keys import Key, read
from gateway.settings.source import ConfigError

Log = Callable[..., None]
#: Seconds between two looks at the file.
LOOK_SECONDS = 1.0
#: A file that was written less than so long (nanoseconds) before it was read may be written again within the same tick
#: of the file system's clock, so that it is read once more.
FRESH_NS = 1_000_000_000
#: What the hash of a key that there is not is compared with.
NOBODY = "0" * 64


class _Mark(NamedTuple):
    """What tells one state of the file from another."""

    modified_ns: int
    size: int
    inode: int


#: Of no file: it is to be read at the next look.
UNREAD = _Mark(-1, -1, -1)


class Keys:
    """Keys by hash. ``entries`` are those of the start, None where there is no file.

    A file that has become wrong adds nothing, and the keys of the last good one stay, but for those whose hash it no
    longer holds: who takes a key out means it, whatever else went wrong in the same edit, and to refuse everyone for
    a slip of the pen would be an outage. One that can't be read at all tells of nobody's key. One that is gone, or
    empty, revokes them all; and where there was a file once, callers need a key until the process ends, so that to
    revoke the last key never opens the gateway to this machine.
    """

    def __init__(
        self,
        path: Path,
        models: Iterable[str],
        log: Log,
        entries: Iterable[Key] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._models = tuple(models)
        self._log = log
        self._clock = clock
        self._keys: Mapping[str, Key] = {key.digest: key for key in entries or ()}
        self.required = entries is not None
        self._mark: _Mark | None = None if entries is None else UNREAD
        self._complaint = ""
        self._next_look = clock() + LOOK_SECONDS

    def find(self, digest: str) -> Key | None:
        """The key whose SHA-256 has these hexadecimal digits, whether it has expired or not; None where there is none.
        A key that there is costs as much time as one that there is not."""
        key = self._keys.get(digest)
        same = hmac.compare_digest(key.digest if key else NOBODY, digest)
        return key if same else None

    def look(self) -> None:
        """Read the file again where it has changed; it is looked at once in ``LOOK_SECONDS`` at most."""
        now = self._clock()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        try:
            mark = _mark(self._path)
        except OSError as error:
            self._complain(f"{self._path}: can't be read: {error.strerror}")
            return
        if mark == self._mark:
            return
        # Marked before it is read, so that a change in between shows at the next look.
        self._mark = mark if mark is None or time.time_ns() - mark.modified_ns > FRESH_NS else UNREAD
        self._read()

    def _read(self) -> None:
        try:
            entries = read(self._path, self._models)
        except ConfigError as error:
            held = _values(self._path)
            if held is not None:
                self._replace({digest: key for digest, key in self._keys.items() if digest in held})
            self._complain(str(error))
            return
        self._complaint = ""
        self.required = self.required or entries is not None
        self._replace({key.digest: key for key in entries or ()})

    def _replace(self, keys: Mapping[str, Key]) -> None:
        old, new = ({key.name for key in some.values()} for some in (self._keys, keys))
        if keys != self._keys:
            self._log("info", "keys_changed", added=sorted(new - old), revoked=sorted(old - new), keys=len(keys))
        self._keys = keys

    def _complain(self, problem: str) -> None:
        if problem != self._complaint:
            self._complaint = problem
            self._log("error", "keys_file_wrong", detail=problem, keys_in_force=len(self._keys))


def digest(presented: bytes) -> str:
    """The hexadecimal digits of the SHA-256 of what a caller presented."""
    return hashlib.sha256(presented).hexdigest()


def expired(key: Key, now: datetime.datetime | None = None) -> bool:
    """Whether the key is of no use any more."""
    return key.until is not None and key.until <= (now or datetime.datetime.now(datetime.UTC))


def _mark(path: Path) -> _Mark | None:
    """None where there is no file; raises OSError where that can't be told."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return _Mark(found.st_mtime_ns, found.st_size, found.st_ino)


def _values(path: Path) -> str | None:
    """A wrong file's text without its comments; None where it can't be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return "\n".join(line.partition("#")[0] for line in lines)

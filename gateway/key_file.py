"""Makes, lists and revokes virtual keys: edits their file as its owner would, by the line.

The file is edited as text, so that its comments and its order stay. What comes out is read again before it is
written, and a file in a form that this can't edit is left as it is.
"""

from __future__ import annotations

import base64
import datetime
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.keys import digest, expired
from gateway.settings.keys import Key, parsed, read
from gateway.settings.source import ConfigError, Document, Problem, nearest

PREFIX = "sk-ivy-"
KEY_BYTES = 32
PRIVATE = 0o600
HEADER = """\
# Virtual keys: whoever sends one of them may call the gateway. `make key NAME=...` adds one, `make revoke NAME=...`
# takes one out, `make keys` lists them; a running gateway notices within 2 s. Only a key's hash stands here.
"""


class KeyFile:
    """The file at ``path``; ``models`` are the names that a key may be given. Each method raises ConfigError."""

    def __init__(self, path: Path, models: Iterable[str]) -> None:
        self._path = path
        self._models = tuple(models)

    def add(self, name: str, **fields: Any) -> str:
        """Make a key with these fields of ``Key``, those that are not None; returns it, this once."""
        old = read(self._path, self._models) or ()
        if any(key.name == name for key in old):
            raise self._problem(f"there is a key {name!r} already; revoke it first, or take another name")
        secret = PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")
        entry = {
            "name": name,
            "hash": f"sha256:{digest(secret.encode())}",
            **{field: value for field, value in fields.items() if value is not None},
            "created": datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        }
        self._write(_with(self._text(), entry), expected=len(old) + 1)
        return secret

    def revoke(self, name: str) -> None:
        """Take the key out of the file."""
        old = read(self._path, self._models) or ()
        names = [key.name for key in old]
        if name not in names:
            raise self._problem(f"there is no key {name!r}{nearest(name, names)}")
        self._write(_without(self._text(), names.index(name)), expected=len(old) - 1)

    def listing(self) -> str:
        """A line a key, without its hash."""
        keys = read(self._path, self._models) or ()
        return "\n".join(map(_line, keys)) or f"There are no keys in {self._path}. `make key NAME=...` makes one."

    def _text(self) -> str:
        return self._path.read_text(encoding="utf-8") if self._path.exists() else HEADER

    def _write(self, text: str, expected: int) -> None:
        if len(self._checked(text)) != expected:
            raise self._problem("it is written in a form that can't be edited here; edit it by hand")
        try:
            _replace(self._path.resolve(), text)
        except OSError as error:
            raise self._problem(f"can't be written: {error.strerror}") from None

    def _checked(self, text: str) -> tuple[Key, ...]:
        return parsed(Document(self._path, text), self._models)

    def _problem(self, message: str) -> ConfigError:
        return ConfigError([Problem(str(self._path), message)])


def _with(text: str, entry: Mapping[str, Any]) -> str:
    """``text`` with an entry at its end, as far in as those that are there."""
    text = text if text.endswith("\n") or not text else f"{text}\n"
    node = _list(text)
    if node is None:
        text, indent = (text if _has_section(text) else f"{text}keys:\n"), 2
    elif node.value:
        indent = node.start_mark.column
    else:
        text, indent = text[: node.start_mark.index].rstrip(" ") + text[node.end_mark.index :], 2
    lines = yaml.safe_dump([dict(entry)], sort_keys=False, default_flow_style=False).splitlines()
    return text + "".join(f"{' ' * indent}{line}\n" for line in lines)


def _without(text: str, index: int) -> str:
    """``text`` without the lines of one entry; what is said above the next one stays."""
    node = _list(text)
    assert node is not None
    item = node.value[index]
    lines = text.splitlines(keepends=True)
    del lines[item.start_mark.line : _last_line(item) + 1]
    return "".join(lines)


def _last_line(item: yaml.Node) -> int:
    """Where the last value of an entry ends; one in block form ends itself where the next thing begins."""
    if getattr(item, "flow_style", False):
        return int(item.end_mark.line)
    value = item.value[-1][1]
    inner = value.value[-1] if isinstance(value, yaml.SequenceNode) and not value.flow_style and value.value else value
    return int(inner.end_mark.line)


def _list(text: str) -> yaml.SequenceNode | None:
    """The list of keys, None where there is none yet."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else ()
    found = next((value for key, value in pairs if key.value == "keys"), None)
    return found if isinstance(found, yaml.SequenceNode) else None


def _has_section(text: str) -> bool:
    return yaml.compose(text, Loader=yaml.SafeLoader) is not None


def _replace(path: Path, text: str) -> None:
    """Write ``path`` anew, as a whole; a new file is for its owner only, an old one stays for whom it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else PRIVATE
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(mode)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _line(key: Key) -> str:
    known = {
        "user": key.user,
        "org": key.org,
        "models": ", ".join(key.models) if key.models else None,
        "requests a minute": key.requests_per_minute,
        "tokens a minute": key.tokens_per_minute,
        "expired" if expired(key) else "expires": key.expires,
        "created": key.created,
    }
    told = "; ".join(f"{what} {value}" for what, value in known.items() if value is not None)
    return f"{key.name}: {told}" if told else key.name

"""The file of virtual keys: who may call the gateway, for whom, and how much.

    keys:
      - name: crm
        hash: sha256:<64 hexadecimal digits>
        tokens_per_minute: 100000

A key has 256 random bits, so that nobody finds it from its hash by trying: one round of SHA-256 is enough, where a
password would need a slow hash.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from gateway.settings.schema import Section
from gateway.settings.source import ConfigError, Document, Problem, nearest, validate

DEFAULT = "default"
UNIQUE = ("name", "hash")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
#: As the headers X-User-ID and X-Org-ID may have it.
Who = Annotated[str, Field(pattern=r"^[\x21-\x7e][\x20-\x7e]{0,255}$")]
Amount = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Key(Section):
    """One virtual key.

    A bound ``user`` or ``org`` stands in place of the headers. ``models`` are the names it may use, None for all. Who
    holds it may send ``requests_per_minute``, and use ``tokens_per_minute`` of prompts and answers together. From
    ``expires`` on it is refused; a date is its first moment (UTC), and a time without a zone is UTC.
    """

    name: Name
    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    user: Who | None = None
    org: Who | None = None
    models: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] | None = None
    requests_per_minute: Amount | None = None
    tokens_per_minute: Amount | None = None
    expires: datetime.datetime | datetime.date | None = None
    created: datetime.datetime | datetime.date | None = None

    @property
    def digest(self) -> str:
        """The hash's hexadecimal digits."""
        return self.hash.partition(":")[2]

    @property
    def until(self) -> datetime.datetime | None:
        """When it expires, with its zone; None for never."""
        if self.expires is None:
            return None
        at = self.expires
        if not isinstance(at, datetime.datetime):
            at = datetime.datetime.combine(at, datetime.time())
        return at if at.tzinfo else at.replace(tzinfo=datetime.UTC)


class KeysFile(Section):
    """``config/keys.yaml``; one whose last key was taken out holds none."""

    keys: Annotated[tuple[Key, ...], Field(strict=False)] = ()

    @field_validator("keys", mode="before")
    @classmethod
    def _nothing_is_none(cls, value: object) -> object:
        return () if value is None else value


def read(path: Path, models: Iterable[str]) -> tuple[Key, ...] | None:
    """The keys of the file, None where there is no such file; raises ConfigError. ``models`` are the valid names."""
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise ConfigError([Problem(str(path), f"can't be read: {error.strerror}")]) from None
    return parsed(Document.read(path), models)


def parsed(document: Document, models: Iterable[str]) -> tuple[Key, ...]:
    """The keys of ``document``; raises ConfigError."""
    keys = validate(document, KeysFile).keys
    problems = [*_doubled(document, keys), *_unknown_models(document, keys, (DEFAULT, *models))]
    if problems:
        raise ConfigError(problems)
    return keys


def _doubled(document: Document, keys: Sequence[Key]) -> Iterator[Problem]:
    for field in UNIQUE:
        seen: set[str] = set()
        for index, key in enumerate(keys):
            value = getattr(key, field)
            if value in seen:
                yield document.problem(("keys", index, field), f"the {field} of {key.name!r} is another key's too")
            seen.add(value)


def _unknown_models(document: Document, keys: Sequence[Key], names: Sequence[str]) -> Iterator[Problem]:
    for index, key in enumerate(keys):
        for place, model in enumerate(key.models or ()):
            if model not in names:
                message = f"{key.name!r} names the model {model!r}, which 'model_list' does not have"
                yield document.problem(("keys", index, "models", place), message + nearest(model, names))

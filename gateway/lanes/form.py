"""Writes multipart/form-data (RFC 7578) as bytes, which can be sent twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gateway.contract import Upload

#: What would end a quoted name, as the WHATWG writes it.
ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def encode(params: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body, and its content type. Lists and objects are written as OpenAI's clients do, with brackets behind the
    name."""
    boundary = secrets.token_hex(16).encode()
    parts = [
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, head.encode("utf-8", "replace"), content)
        for name, value in params.items()
        for head, content in _parts(name, value)
    ]
    return b"".join(parts) + b"--%s--\r\n" % boundary, f"multipart/form-data; boundary={boundary.decode()}"


def holds_files(params: Mapping[str, Any]) -> bool:
    """Whether a form is needed."""
    return any(isinstance(item, Upload) for value in params.values() for item in _items(value))


def _parts(name: str, value: Any) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _parts(f"{name}[{key}]", inner)
        return
    field = _quoted(f"{name}[]" if isinstance(value, list) else name)
    for item in _items(value):
        head = f'Content-Disposition: form-data; name="{field}"'
        if isinstance(item, Upload):
            kind = "".join(item.content_type.splitlines())
            yield f'{head}; filename="{_quoted(item.filename)}"\r\nContent-Type: {kind}', item.content
        else:
            yield head, item.encode() if isinstance(item, str) else orjson.dumps(item)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _quoted(name: str) -> str:
    return name.translate(ESCAPES)

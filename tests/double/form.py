"""Reads multipart forms, and shows them as the log of calls keeps them."""

import hashlib
import re
from email.message import Message
from typing import Any, NamedTuple

DISPOSITION = re.compile(rb'(?i)^content-disposition:[^\r\n]*?[; ]name="([^"]*)"(?:[^\r\n]*?; ?filename="([^"]*)")?')
KIND = re.compile(rb"(?im)^content-type: *([^\r\n]+)")


class File(NamedTuple):
    """A file of a form; `kind` is its content type."""

    name: str
    kind: str
    content: bytes

    def view(self) -> dict[str, Any]:
        """What the log keeps of it: not the content, but its size in bytes and its SHA-256."""
        digest = hashlib.sha256(self.content).hexdigest()
        return {"filename": self.name, "content_type": self.kind, "size": len(self.content), "sha256": digest}


Value = str | File
Form = dict[str, list[Value]]


def read(content_type: str, body: bytes) -> Form | None:
    """The fields in their order, each with all its values; None where `content_type` is no form's.

    Raises ValueError for bytes that are no form.
    """
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "multipart/form-data":
        return None
    mark = b"--" + str(header.get_param("boundary", "")).encode()
    if len(mark) == len(b"--") or not body.startswith(mark) or b"\r\n" + mark + b"--" not in body:
        raise ValueError("Could not parse multipart form")
    form: Form = {}
    for part in (b"\r\n" + body).split(b"\r\n" + mark)[1:-1]:
        name, value = _part(part.removeprefix(b"\r\n"))
        form.setdefault(name, []).append(value)
    return form


def _part(part: bytes) -> tuple[str, Value]:
    head, blank, content = part.partition(b"\r\n\r\n")
    found = next((one for line in head.split(b"\r\n") if (one := DISPOSITION.match(line))), None)
    if found is None or not blank:
        raise ValueError("Could not parse multipart form")
    name, filename = found.groups()
    if filename is None:
        return name.decode(), content.decode()
    kind = KIND.search(head)
    return name.decode(), File(filename.decode(), kind[1].decode() if kind else "", content)


def view(form: Form) -> dict[str, Any]:
    """The form as JSON: a list where a field came more than once or its name ends in `[]`."""
    shown: dict[str, Any] = {}
    for name, values in form.items():
        listed = [one.view() if isinstance(one, File) else one for one in values]
        shown[name] = listed if len(listed) > 1 or name.endswith("[]") else listed[0]
    return shown


def text(form: Form, name: str, default: str = "") -> str:
    """The field's first value, if it is text."""
    value = form.get(name, [default])[0]
    return value if isinstance(value, str) else default


def file(form: Form, *names: str) -> File:
    """The first file under one of `names`. Raises ValueError, as OpenAI words it, where there is none."""
    for name in names:
        for value in form.get(name, []):
            if isinstance(value, File):
                return value
    raise ValueError(f"Missing required parameter: '{names[0]}'.")

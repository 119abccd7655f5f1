"""Reads a request's form (multipart/form-data), files included, within its bounds of size, number and time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from gateway.contract import InvalidRequest, Upload
from gateway.http.access import CallerLeft
from gateway.http.body import check_headers, too_large
from gateway.settings.schema import Server
from gateway.waiting import within

#: A field, and what it is of: ``image[]`` is an entry of a list, ``expires_after[anchor]`` of a mapping.
NAME = re.compile(r"([^\[\]]+)(?:\[([^\[\]]*)\])?")
KIND = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}")
MOST_FIELDS, MOST_FILES = 100, 20
LONGEST_TEXT = 2_000_000
LONGEST_FILENAME, LONGEST_ENDING = 100, 16


async def read_form(scope: Scope, receive: Receive, server: Server) -> dict[str, Any]:
    """The fields: text, an ``Upload``, or a list or mapping of these where the names have brackets. Raises GatewayError
    saying what is wrong, and with which field."""
    headers = Headers(scope=scope)
    limit = server.max_upload_bytes
    check_headers(headers, limit, "multipart/form-data")
    form = _Form(headers, _parts(receive, limit), limit)
    try:
        read = await within(server.body_seconds, form.parse())
    except TimeoutError:
        message = f"The body did not arrive within {server.body_seconds:g} s."
        raise InvalidRequest(message, code="body_timeout") from None
    except (MultiPartException, LookupError, ValueError) as error:
        what = error.message.rstrip(".") if isinstance(error, MultiPartException) else "it is malformed"
        raise InvalidRequest(f"The body is not a valid form ({what}).", code="invalid_form") from None
    try:
        if not form.whole:
            raise InvalidRequest("The body is not a valid form (its end is missing).", code="invalid_form")
        return await _fields(read)
    finally:
        await read.close()


class _Form(MultiPartParser):
    """Starlette's parser, which bounds the parts' headers too. It keeps files in memory, where they have to be in the
    end: what a caller sends is never written to a disk."""

    def __init__(self, headers: Headers, parts: AsyncGenerator[bytes, None], most_bytes: int) -> None:
        super().__init__(headers, parts, max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LONGEST_TEXT)
        self.spool_max_size = most_bytes + 1
        self.whole = False

    def on_end(self) -> None:
        """Called at the last boundary."""
        self.whole = True


async def _parts(receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        more = message.get("more_body", False)
        yield part


async def _fields(form: FormData) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for written, sent in form.multi_items():
        value = await _upload(sent) if isinstance(sent, UploadFile) else sent
        matched = NAME.fullmatch(written)
        name, key = matched.groups() if matched else (written, None)
        if not _added(fields, name, key, value):
            shown = written[:LONGEST_FILENAME]
            raise InvalidRequest(f"The field '{shown}' was sent more than once.", param=shown, code="duplicate_field")
    return fields


def _added(fields: dict[str, Any], name: str, key: str | None, value: Any) -> bool:
    """Whether there was room for it: one name can't be both a single value, a list and a mapping."""
    if key == "":
        values = fields.setdefault(name, [])
        if isinstance(values, list):
            values.append(value)
        return isinstance(values, list)
    entries = fields if key is None else fields.setdefault(name, {})
    place = name if key is None else key
    if not isinstance(entries, dict) or place in entries:
        return False
    entries[place] = value
    return True


async def _upload(file: UploadFile) -> Upload:
    kind = (file.content_type or "").partition(";")[0].strip().lower()
    kind = kind if KIND.fullmatch(kind) else "application/octet-stream"
    return Upload(harmless(file.filename or ""), await file.read(), kind)


def harmless(filename: str) -> str:
    """The last part of the name, without control characters and of bounded length; its ending is kept, because
    providers tell a file's format by it."""
    last = re.split(r"[/\\]", filename)[-1]
    plain = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > LONGEST_ENDING:
        return plain[:LONGEST_FILENAME] or "file"
    return f"{stem[: LONGEST_FILENAME - len(ending) - 1]}.{ending}"

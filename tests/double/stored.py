"""What OpenAI keeps of its callers': files and batches, here in memory.

A call that gets a fault has made, or deleted, what it asked for all the same: whoever got no answer can't know.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from . import form, openai_ask, openai_errors, openai_wire
from .ask import compose
from .wire import Problem

Json = dict[str, Any]
DAY = 86_400
PAGE = 20  # entries of a list that names no limit
STEPS = {"validating": "in_progress", "in_progress": "completed", "cancelling": "cancelled"}
ENDPOINTS = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/moderations")


class NotAnsweredError(Exception):
    """The call gets this error instead of a reply."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(status, openai_errors.body(message, code=code, param=param))


@dataclass(slots=True)
class Stored:
    """Files' objects and contents, batches, responses with their input items; oldest first."""

    files: dict[str, Json] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    responses: dict[str, Json] = field(default_factory=dict)
    items: dict[str, list[Json]] = field(default_factory=dict)

    def add_file(self, name: str, purpose: str, content: bytes) -> Json:
        """Keeps a file; its object."""
        made: Json = {
            "id": f"file-double{len(self.contents) + 1:08d}",
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
            "expires_at": None,
            "status_details": None,
        }
        self.files[made["id"]], self.contents[made["id"]] = made, content
        return made

    def upload(self, fields: form.Form) -> Json:
        """POST /files."""
        file, purpose = form.file(fields, "file"), form.text(fields, "purpose")
        if not purpose:
            raise ValueError("Missing required parameter: 'purpose'.")
        return self.add_file(file.name, purpose, file.content)

    def file(self, name: str) -> Json:
        """GET /files/{id}."""
        if name not in self.files:
            raise NotAnsweredError(404, f"No such File object: {name}", "id")
        return self.files[name]

    def content(self, name: str) -> bytes:
        """GET /files/{id}/content."""
        return self.contents[self.file(name)["id"]]

    def delete_file(self, name: str) -> Json:
        """DELETE /files/{id}."""
        del self.files[self.file(name)["id"]]
        return {"id": name, "object": "file", "deleted": True}

    def add_batch(self, body: Json) -> Json:
        """POST /batches."""
        for name in ("input_file_id", "endpoint", "completion_window"):
            if name not in body:
                raise ValueError(f"Missing required parameter: '{name}'.")
        if body["endpoint"] not in ENDPOINTS:
            raise ValueError(f"Invalid value: '{body['endpoint']}'. Supported values are: {', '.join(ENDPOINTS)}.")
        if body["input_file_id"] not in self.files:
            raise NotAnsweredError(400, "The input file does not exist.", "input_file_id", "invalid_input_file")
        made = _batch(f"batch_double{len(self.batches) + 1:08d}", body)
        self.batches[made["id"]] = made
        return made

    def batch(self, name: str, *, step: bool = True) -> Json:
        """GET /batches/{id}: each look finds the batch one step on, from validating over in_progress to completed."""
        if name not in self.batches:
            raise NotAnsweredError(404, f"No batch found with id '{name}'.")
        batch = self.batches[name]
        shown = dict(batch)
        if step and batch["status"] in STEPS:
            batch["status"] = STEPS[batch["status"]]
            batch[f"{batch['status']}_at"] = int(time.time())
            if batch["status"] == "completed":
                self._complete(batch)
            shown = dict(batch)
        return shown

    def cancel_batch(self, name: str) -> Json:
        """POST /batches/{id}/cancel."""
        status = self.batch(name, step=False)["status"]
        if status not in ("validating", "in_progress"):
            raise NotAnsweredError(409, f"Cannot cancel a batch with status '{status}'.")
        self.batches[name] |= {"status": "cancelling", "cancelling_at": int(time.time())}
        return dict(self.batches[name])

    def _complete(self, batch: Json) -> None:
        lines = [orjson.loads(line) for line in self.contents[batch["input_file_id"]].splitlines() if line.strip()]
        out = b"".join(orjson.dumps(_answered(line, at)) + b"\n" for at, line in enumerate(lines))
        batch["output_file_id"] = self.add_file(f"{batch['id']}_output.jsonl", "batch_output", out)["id"]
        batch["request_counts"] = {"total": len(lines), "completed": len(lines), "failed": 0}


def _batch(name: str, body: Json) -> Json:
    now = int(time.time())
    nothing = ("errors", "output_file_id", "error_file_id", "in_progress_at", "finalizing_at", "completed_at")
    return {
        "id": name,
        "object": "batch",
        "endpoint": body["endpoint"],
        "input_file_id": body["input_file_id"],
        "completion_window": body["completion_window"],
        "status": "validating",
        "created_at": now,
        "expires_at": now + DAY,
        **dict.fromkeys(nothing),
        **dict.fromkeys(("failed_at", "expired_at", "cancelling_at", "cancelled_at")),
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": body.get("metadata"),
    }


def _answered(line: Json, at: int) -> Json:
    """A line of the output: for chat the answer that the route gives, else the request's own body."""
    body = line["body"]
    if line["url"] == "/v1/chat/completions":
        ask = openai_ask.read(body, at)
        body = openai_wire.OpenAI().plain(ask, compose(ask))
    response = {"status_code": 200, "request_id": f"req_{at}", "body": body}
    return {"id": f"batch_req_{at}", "custom_id": line.get("custom_id"), "response": response, "error": None}


def listed(entries: Mapping[str, Json], query: Mapping[str, str]) -> Json:
    """A page of a list, newest first unless `order` is asc: `after`, `limit`, `purpose`."""
    found = list(entries.values()) if query.get("order") == "asc" else list(entries.values())[::-1]
    found = [one for one in found if query.get("purpose") in (None, one.get("purpose"))]
    names = [one["id"] for one in found]
    start = names.index(query["after"]) + 1 if query.get("after") in names else 0
    page = found[start : start + int(query.get("limit") or PAGE)]
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    more = len(found) > start + len(page)
    return {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": more}

"""The shapes of what OpenAI keeps, as far as OpenAI promises them: what is not told here can be there all the same."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

Json = dict[str, Any]


class File(TypedDict):
    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    filename: str
    purpose: str


class Batch(TypedDict):
    """``output_file_id`` and ``error_file_id`` name files, once there are any."""

    id: str
    object: Literal["batch"]
    endpoint: str
    input_file_id: str
    completion_window: str
    status: Literal[
        "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
    ]
    created_at: int


class Files(TypedDict):
    object: Literal["list"]
    data: list[File]
    has_more: bool


class Batches(TypedDict):
    object: Literal["list"]
    data: list[Batch]
    has_more: bool


class InputItems(TypedDict):
    """Each item as it was sent, with its id."""

    object: Literal["list"]
    data: list[Json]
    has_more: bool


class DeletedFile(TypedDict):
    id: str
    object: Literal["file"]
    deleted: bool


class DeletedResponse(TypedDict):
    id: str
    object: str
    deleted: bool

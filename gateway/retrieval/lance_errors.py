"""LanceDB's errors in words, and another try where two writers met."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from gateway.retrieval.store import StoreError

T = TypeVar("T")
TRIES = 40
LONGEST_WAIT = 1.0
#: LanceDB raises built-in errors: RuntimeError for most, ValueError for a table or folder that isn't there.
RAISED = (RuntimeError, ValueError, OSError)
_MET = ("conflict", "preempted", "concurrent", "please retry")
#: The first that occurs in an error's text is its reason. Its own words hold paths, addresses and requests.
_REASONS = (
    (("nosuchbucket", "bucket does not exist", "bucket not found"), "there is no such bucket"),
    (("accessdenied", "access denied", "forbidden", "signaturedoesnotmatch", "invalidaccesskey"), "access is denied"),
    (("permission denied",), "permission denied"),
    (("credential",), "the credentials are missing or wrong"),
    (("no space left", "quota"), "no space is left"),
    (("connecterror", "dns error", "tcp connect", "dispatch failure"), "the storage can't be reached"),
    (("timed out", "timeout"), "the storage does not answer in time"),
    (_MET, "others write to it all the time"),
    (("was not found", "not found", "nosuchkey"), "a part of it is missing"),
    (("dim(", "dimension"), "the vector has another dimension than its embeddings"),
)


def reason(error: Exception) -> str:
    """Why LanceDB failed, in words that hold no key, address or path."""
    text = str(error).lower()
    return next((words for marks, words in _REASONS if any(mark in text for mark in marks)), type(error).__name__)


def is_missing(error: Exception) -> bool:
    """Whether a table or a file of it is no longer there, as after another process dropped it."""
    return "not found" in str(error).lower()


@contextmanager
def in_words(store: str, doing: str) -> Iterator[None]:
    """What LanceDB raises within becomes StoreError; ``doing`` is ``read`` or ``written``."""
    try:
        yield
    except RAISED as error:
        raise StoreError(f"the index in {store!r} can't be {doing}: {reason(error)}") from error


async def insisting(attempt: Callable[[], Awaitable[T]]) -> T:
    """``attempt`` again, after a random pause that grows, while another writer's change came first."""
    for tried in range(1, TRIES):
        try:
            return await attempt()
        except RAISED as error:
            if not any(mark in str(error).lower() for mark in _MET):
                raise
        await asyncio.sleep(random.random() * min(LONGEST_WAIT, 0.02 * 2**tried))
    return await attempt()

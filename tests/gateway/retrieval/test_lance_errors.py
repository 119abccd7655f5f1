"""What LanceDB raises, in words."""

from __future__ import annotations

import pytest

from gateway.retrieval import lance_errors
from gateway.retrieval.lance_errors import in_words, insisting
from gateway.retrieval.store import StoreError

SECRET = "http://10.1.2.3:9000/bucket?key=s3cr3t /var/lib/x"


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (RuntimeError(f"AccessDenied at {SECRET}"), "access is denied"),
        (OSError(f"Permission denied: {SECRET}"), "permission denied"),
        (RuntimeError(f"No space left on device {SECRET}"), "no space is left"),
        (RuntimeError(f"operation timed out {SECRET}"), "the storage does not answer in time"),
        (RuntimeError(f"tcp connect error {SECRET}, retry_timeout: 180s"), "the storage can't be reached"),
        (ValueError(f"Table {SECRET} was not found"), "a part of it is missing"),
        (RuntimeError(f"something of {SECRET}"), "RuntimeError"),
    ],
    ids=["denied", "permission", "space", "time", "reach", "missing", "else"],
)
def test_reasons_hold_no_address(raised: Exception, words: str) -> None:
    with pytest.raises(StoreError) as told, in_words("s3://bucket/x", "read"):
        raise raised
    assert str(told.value) == f"the index in 's3://bucket/x' can't be read: {words}"


async def test_a_conflict_is_tried_again_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_errors, "LONGEST_WAIT", 0.0)
    errors: list[Exception] = [RuntimeError("Retryable commit conflict for version 3"), RuntimeError("broken")]

    async def attempt() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    with pytest.raises(RuntimeError, match="broken"):
        await insisting(attempt)
    assert await insisting(attempt) == "done"


async def test_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_errors, "LONGEST_WAIT", 0.0)
    tried = 0

    async def attempt() -> None:
        nonlocal tried
        tried += 1
        raise RuntimeError("commit conflict")

    with pytest.raises(RuntimeError, match="conflict"):
        await insisting(attempt)
    assert tried == lance_errors.TRIES

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contract import Spent
from gateway.usage import Bill, Ledger
from gateway.usage_file import NAME, kept
from tests.support.asgi import Lines

NEVER = 1000.0


def add(ledger: Ledger) -> None:
    ledger.add(Bill("crm", "m", False, [Spent("m", 10, 0, 5, 0.5)]))


def requests(ledger: Ledger) -> int:
    return sum(row.requests for row in ledger.rows(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1)))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def test_what_was_used_outlives_the_process(tmp_path: Path) -> None:
    for number in range(3):
        async with kept(tmp_path, Lines(), NEVER) as ledger:
            assert requests(ledger) == number
            add(ledger)


async def test_it_is_written_while_the_gateway_runs_and_where_it_changed(tmp_path: Path) -> None:
    file = tmp_path / NAME
    async with kept(tmp_path, Lines(), 0.01) as ledger:
        await asyncio.sleep(0.1)
        assert not file.exists()
        add(ledger)
        await until(file.exists)
        inode = file.stat().st_ino
        await asyncio.sleep(0.1)
        assert file.stat().st_ino == inode
        add(ledger)
        await until(lambda: file.stat().st_ino != inode)
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("text", [b"", b'{"days": {"soon": []}}', b"\xff\xfe"])
async def test_a_broken_file_is_set_aside_and_said_so_of(tmp_path: Path, text: bytes) -> None:
    (tmp_path / NAME).write_bytes(text)
    log = Lines()
    async with kept(tmp_path, log, NEVER) as ledger:
        assert requests(ledger) == 0
        add(ledger)
    assert (tmp_path / f"{NAME}.broken").read_bytes() == text
    (line,) = log.of("usage_file_broken")
    assert (line["level"], line["set_aside"]) == ("warning", f"{NAME}.broken")
    async with kept(tmp_path, Lines(), NEVER) as ledger:
        assert requests(ledger) == 1


async def test_a_disk_that_takes_nothing_is_told_of_once_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.write_text("in the way")
    log = Lines()
    async with kept(folder, log, 0.01) as ledger:
        add(ledger)
        await until(lambda: bool(log.of("usage_not_written")))
        await asyncio.sleep(0.05)
        folder.unlink()
        await until((folder / NAME).exists)
    assert len(log.of("usage_not_written")) == 1

from __future__ import annotations

import datetime
from typing import Any

import orjson
import pytest

from gateway.contract import Spent
from gateway.usage import DAYS, Bill, Ledger, Row, of_key, shown, summed

FIRST = datetime.date(2026, 1, 31)
ALWAYS = (datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))


class Today:
    def __init__(self) -> None:
        self.date = FIRST

    def __call__(self) -> datetime.date:
        return self.date


@pytest.fixture
def today() -> Today:
    return Today()


@pytest.fixture
def ledger(today: Today) -> Ledger:
    return Ledger(today)


def rows(ledger: Ledger) -> dict[tuple[str, str | None, str], Row]:
    return {(row.date, row.key, row.model): row for row in ledger.rows(*ALWAYS)}


def add(ledger: Ledger, *spent: Spent, key: str | None = "crm", model: str = "m", failed: bool = False) -> None:
    ledger.add(Bill(key, model, failed, spent))


def test_requests_count_for_who_answered_and_tokens_for_who_was_asked(ledger: Ledger) -> None:
    add(ledger, Spent("a", 10, 2, 3, 0.5, estimated=True), Spent("b", 20, 0, 7, 0.25), model="b")
    add(ledger, Spent("b", 1, 0, 1, None), model="b", failed=True)
    found = rows(ledger)
    assert set(found) == {("2026-01-31", "crm", "a"), ("2026-01-31", "crm", "b")}
    assert found["2026-01-31", "crm", "a"] == Row("2026-01-31", "crm", "a", 0, 0, 10, 2, 3, 0.5, 1)
    assert found["2026-01-31", "crm", "b"] == Row("2026-01-31", "crm", "b", 2, 1, 21, 0, 8, 0.25, 0)


def test_what_has_no_price_costs_nothing_that_is_known(ledger: Ledger) -> None:
    add(ledger, Spent("m", 10, 0, 5))
    (row,) = ledger.rows(*ALWAYS)
    assert row.cost_usd is None
    assert summed([row])["cost_usd"] is None
    add(ledger, Spent("m", 10, 0, 5, 0.0))
    assert row.cost_usd == 0.0


def test_keys_and_days_are_apart(ledger: Ledger, today: Today) -> None:
    add(ledger)
    add(ledger, key="other")
    add(ledger, key=None)
    today.date += datetime.timedelta(days=1)
    add(ledger)
    assert list(rows(ledger)) == [
        ("2026-01-31", "crm", "m"),
        ("2026-01-31", "other", "m"),
        ("2026-01-31", None, "m"),
        ("2026-02-01", "crm", "m"),
    ]
    assert [row.date for row in of_key(ledger.rows(*ALWAYS), "crm")] == ["2026-01-31", "2026-02-01"]
    assert [row.date for row in ledger.rows(today.date, today.date)] == ["2026-02-01"]


def test_a_month_is_kept(ledger: Ledger, today: Today) -> None:
    for _ in range(DAYS + 5):
        add(ledger)
        ledger.dump()
        today.date += datetime.timedelta(days=1)
    kept = [row.date for row in ledger.rows(*ALWAYS)]
    assert (len(kept), kept[-1]) == (DAYS, (today.date - datetime.timedelta(days=1)).isoformat())
    assert len(orjson.loads(ledger.dump())["days"]) == DAYS


def test_what_is_dumped_is_loaded(ledger: Ledger, today: Today) -> None:
    add(ledger, Spent("m", 10, 2, 3, 0.5, estimated=True))
    today.date += datetime.timedelta(days=1)
    add(ledger, Spent("m", 1), key=None, failed=True)
    again = Ledger(today)
    again.load(ledger.dump())
    assert rows(again) == rows(ledger)
    add(again)
    assert rows(again)["2026-02-01", "crm", "m"].requests == 1
    assert orjson.loads(again.dump())["days"]["2026-02-01"][1]["requests"] == 1


def test_what_changes_after_it_was_dumped_is_dumped_anew(ledger: Ledger) -> None:
    for number in range(1, 4):
        add(ledger)
        assert orjson.loads(ledger.dump())["days"]["2026-01-31"][0]["requests"] == number


def test_days_that_are_too_old_by_now_are_not_loaded(ledger: Ledger, today: Today) -> None:
    add(ledger)
    today.date += datetime.timedelta(days=DAYS)
    again = Ledger(today)
    again.load(ledger.dump())
    assert list(again.rows(*ALWAYS)) == []


ROW = {"date": "2026-01-31", "key": None, "model": "m"}


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"days": []},
        {"days": {"soon": []}},
        {"days": {"2026-01-31": [{"requests": 1}]}},
        {"days": {"2026-01-31": [{**ROW, "requests": -1}]}},
        {"days": {"2026-01-31": [{**ROW, "requests": "1"}]}},
        {"days": {"2026-01-31": [{**ROW, "more": 1}]}},
        {"days": {"2026-01-30": [ROW]}},
        {"days": {"20260131": [{**ROW, "date": "20260131"}]}},
    ],
    ids=str,
)
def test_what_is_not_a_dump_is_refused_and_changes_nothing(ledger: Ledger, data: Any) -> None:
    add(ledger)
    before = rows(ledger)
    with pytest.raises(ValueError, match="day|validation|isoformat"):
        ledger.load(orjson.dumps(data))
    assert rows(ledger) == before


@pytest.mark.parametrize("text", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_refused(ledger: Ledger, text: bytes) -> None:
    with pytest.raises(ValueError, match="validation"):
        ledger.load(text)


def test_a_row_is_shown_and_rows_are_summed(ledger: Ledger) -> None:
    add(ledger, Spent("m", 10, 2, 3, 0.1))
    add(ledger, Spent("n", 10, 2, 3, 0.2), model="n", failed=True)
    listed = list(ledger.rows(*ALWAYS))
    counts = {"requests": 1, "failed": 0, "prompt_tokens": 10, "cached_tokens": 2, "completion_tokens": 3}
    assert shown(listed[0]) == {
        "date": "2026-01-31",
        "key": "crm",
        "model": "m",
        **counts,
        "estimated": 0,
        "cost_usd": 0.1,
    }
    assert summed(listed) == {
        "requests": 2,
        "failed": 1,
        "prompt_tokens": 20,
        "cached_tokens": 4,
        "completion_tokens": 6,
        "estimated": 0,
        "cost_usd": 0.3,
    }

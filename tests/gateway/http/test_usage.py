from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from gateway.contract import InvalidRequest, Spent
from gateway.engine import Engine
from gateway.http.usage import UsageRoute
from gateway.settings.keys import Key
from gateway.usage import Bill, Ledger
from tests.support.asgi import scope

CRM = Key(name="crm", hash=f"sha256:{'0' * 64}")
TODAY = datetime.datetime.now(datetime.UTC).date()


def day(back: int) -> str:
    return (TODAY - datetime.timedelta(days=back)).isoformat()


@pytest.fixture
def ledger() -> Ledger:
    dates = [TODAY - datetime.timedelta(days=back) for back in (2, 1, 0)]
    at = [dates[0]]
    made = Ledger(lambda: at[0])
    for date in dates:
        at[0] = date
        for key in ("crm", "other", None):
            made.add(Bill(key, "m", False, [Spent("m", 10, 0, 5, 0.5)]))
    return made


async def ask(ledger: Ledger, query: str = "", key: Key | None = None) -> dict[str, Any]:
    route = UsageRoute(lambda: cast(Engine, SimpleNamespace(usage=ledger)))
    request = Request(scope("GET", "/v1/usage", query_string=query.encode(), key=key))
    body: dict[str, Any] = json.loads(bytes((await route(request)).body))
    return body


async def test_a_key_sees_its_own(ledger: Ledger) -> None:
    body = await ask(ledger, key=CRM)
    assert [(row["date"], row["key"]) for row in body["data"]] == [(day(back), "crm") for back in (2, 1, 0)]
    assert (body["total"]["requests"], body["total"]["prompt_tokens"], body["total"]["cost_usd"]) == (3, 30, 1.5)
    assert (body["object"], body["from"], body["to"]) == ("usage", day(30), day(0))


async def test_the_administrator_sees_all_by_key(ledger: Ledger) -> None:
    body = await ask(ledger)
    assert [row["key"] for row in body["data"]] == ["crm", "other", None] * 3


@pytest.mark.parametrize(
    ("since", "until", "days"), [(1, 1, [1]), (None, 1, [2, 1]), (1, None, [1, 0]), (99, 40, []), (2, 0, [2, 1, 0])]
)
async def test_days_are_chosen_both_included(
    ledger: Ledger, since: int | None, until: int | None, days: list[int]
) -> None:
    parts = [f"from={day(since)}"] if since is not None else []
    parts += [f"to={day(until)}"] if until is not None else []
    body = await ask(ledger, "&".join(parts), CRM)
    assert [row["date"] for row in body["data"]] == [day(back) for back in days]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=", "from"),
        ("key=other", "key"),
        ("from=2026-02-02&to=2026-02-01", "from"),
    ],
)
async def test_what_is_wrong_is_named(ledger: Ledger, query: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await ask(ledger, query)
    assert caught.value.param == param
